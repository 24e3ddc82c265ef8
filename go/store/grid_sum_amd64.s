#include "textflag.h"

// ADDFOUR adds four values V, which it overwrites, to sums and sizes, and to the bits that
// tell of values off the grid of the center C. M has all bits but the sign; T is overwritten.
#define ADDFOUR(V, sums, sizes, offs, C, M, T) \
	VADDPD V, sums, sums \
	VADDPD C, V, T       \
	VSUBPD C, T, T       \
	VXORPD V, T, T       \
	VORPD  T, offs, offs \
	VANDPD M, V, V       \
	VADDPD V, sizes, sizes

// func addEights(values *float64, n int, center float64) (sum, size float64, off bool)
TEXT ·addEights(SB), NOSPLIT, $0-41
	MOVQ         values+0(FP), SI
	MOVQ         n+8(FP), CX
	VBROADCASTSD center+16(FP), Y7
	VPCMPEQD     Y6, Y6, Y6
	VPSRLQ       $1, Y6, Y6
	VXORPD       Y0, Y0, Y0
	VXORPD       Y1, Y1, Y1
	VXORPD       Y2, Y2, Y2
	VXORPD       Y3, Y3, Y3
	VXORPD       Y4, Y4, Y4
	VXORPD       Y5, Y5, Y5
next:
	VMOVUPD (SI), Y8
	VMOVUPD 32(SI), Y9
	ADDFOUR(Y8, Y0, Y2, Y4, Y7, Y6, Y10)
	ADDFOUR(Y9, Y1, Y3, Y5, Y7, Y6, Y11)
	ADDQ    $64, SI
	SUBQ    $8, CX
	JNE     next

	VORPD        Y5, Y4, Y4
	VPTEST       Y6, Y4 // the sign of zero is on every grid
	SETNE        off+40(FP)
	VADDPD       Y1, Y0, Y0
	VADDPD       Y3, Y2, Y2
	VHADDPD      Y2, Y0, Y0 // sums and sizes side by side
	VEXTRACTF128 $1, Y0, X1
	VADDPD       X1, X0, X0
	VMOVUPD      X0, sum+24(FP)
	VZEROUPPER
	RET
