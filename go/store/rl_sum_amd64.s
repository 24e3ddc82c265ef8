#include "textflag.h"

// TWOSUM adds b to a: the sum, and the size of what rounding took from it.
// M has all bits but the sign; T and U are overwritten.
#define TWOSUM(a, b, sum, lost, M, T, U) \
	VADDPD b, a, sum    \
	VSUBPD a, sum, T    \
	VSUBPD T, sum, lost \
	VSUBPD lost, a, lost \
	VSUBPD T, b, U      \
	VADDPD U, lost, lost \
	VANDPD M, lost, lost

// func sumFours(s *plainSum, values *float64, n int)
TEXT ·sumFours(SB), NOSPLIT, $0-24
	MOVQ     s+0(FP), DI
	MOVQ     values+8(FP), SI
	MOVQ     n+16(FP), CX
	VXORPD   Y0, Y0, Y0           // sums
	VXORPD   Y1, Y1, Y1           // what rounding took from them
	VPXOR    Y5, Y5, Y5
	VPCMPEQD Y6, Y6, Y6
	VPSLLQ   $63, Y6, Y3          // greatest, as orderOf has them
	VPSRLQ   $1, Y6, Y6           // all bits but the sign
	VMOVDQA  Y6, Y2               // least
next:
	VMOVUPD   (SI), Y7
	TWOSUM(Y0, Y7, Y8, Y10, Y6, Y9, Y11)
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

	// Four become two, and two one.
	VEXTRACTF128 $1, Y0, X7
	TWOSUM(X0, X7, X8, X10, X6, X9, X11)
	VEXTRACTF128 $1, Y1, X7
	VADDPD       X7, X1, X1
	VADDPD       X10, X1, X1
	VPERMILPD    $1, X8, X7
	TWOSUM(X8, X7, X0, X10, X6, X9, X11)
	VPERMILPD    $1, X1, X7
	VADDPD       X7, X1, X1
	VADDPD       X10, X1, X1
	VEXTRACTF128 $1, Y2, X7
	VPCMPGTQ     X7, X2, X8
	VBLENDVPD    X8, X7, X2, X2
	VPERMILPD    $1, X2, X7
	VPCMPGTQ     X7, X2, X8
	VBLENDVPD    X8, X7, X2, X2
	VEXTRACTF128 $1, Y3, X7
	VPCMPGTQ     X3, X7, X8
	VBLENDVPD    X8, X7, X3, X3
	VPERMILPD    $1, X3, X7
	VPCMPGTQ     X3, X7, X8
	VBLENDVPD    X8, X7, X3, X3
	VMOVSD       X0, (DI)
	VMOVSD       X1, 8(DI)
	VMOVQ        X2, 16(DI)
	VMOVQ        X3, 24(DI)
	VZEROUPPER
	RET
