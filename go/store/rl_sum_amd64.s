#include "textflag.h"

// func sumFours(lanes *sumLanes, values *float64, n int)
TEXT ·sumFours(SB), NOSPLIT, $0-24
	MOVQ     lanes+0(FP), DI
	MOVQ     values+8(FP), SI
	MOVQ     n+16(FP), CX
	VMOVUPD  (DI), Y0             // sum
	VMOVUPD  32(DI), Y1           // what its rounding lost
	VMOVDQU  64(DI), Y2           // least
	VMOVDQU  96(DI), Y3           // greatest, as orderOf has them
	VPXOR    Y5, Y5, Y5
	VPCMPEQD Y6, Y6, Y6
	VPSRLQ   $1, Y6, Y6           // all bits but the sign
next:
	VMOVUPD   (SI), Y7
	VADDPD    Y7, Y0, Y8          // next sum
	VSUBPD    Y0, Y8, Y9          // what of the value is in it
	VSUBPD    Y9, Y8, Y10
	VSUBPD    Y10, Y0, Y10
	VSUBPD    Y9, Y7, Y11
	VADDPD    Y11, Y10, Y10
	VANDPD    Y6, Y10, Y10
	VADDPD    Y10, Y1, Y1
	VMOVAPD   Y8, Y0
	VPCMPGTQ  Y7, Y5, Y12         // negative ones
	VPSRLQ    $1, Y12, Y12
	VPXOR     Y7, Y12, Y12        // order
	VPCMPGTQ  Y12, Y2, Y13
	VBLENDVPD Y13, Y12, Y2, Y2
	VPCMPGTQ  Y3, Y12, Y13
	VBLENDVPD Y13, Y12, Y3, Y3
	ADDQ      $32, SI
	SUBQ      $4, CX
	JNE       next
	VMOVUPD   Y0, (DI)
	VMOVUPD   Y1, 32(DI)
	VMOVDQU   Y2, 64(DI)
	VMOVDQU   Y3, 96(DI)
	VZEROUPPER
	RET
