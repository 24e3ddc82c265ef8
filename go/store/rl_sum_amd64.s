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

// FOLD makes four numbers of Y one, in X, its lower half; T is overwritten.
#define FOLD(OP, Y, X, T) \
	VEXTRACTF128 $1, Y, T \
	OP           T, X, X  \
	VPERMILPD    $1, X, T \
	OP           T, X, X

// func sumFours(values *float64, n int) (sum, lost, least, greatest float64, some, all uint64)
TEXT ·sumFours(SB), NOSPLIT, $0-64
	MOVQ     values+0(FP), SI
	MOVQ     n+8(FP), CX
	VXORPD   Y0, Y0, Y0           // sums
	VXORPD   Y1, Y1, Y1           // what rounding took from them
	VMOVUPD  (SI), Y2             // least
	VMOVAPD  Y2, Y3               // greatest
	VMOVAPD  Y2, Y4               // bits that some have
	VMOVAPD  Y2, Y5               // bits that all have
	VPCMPEQD Y6, Y6, Y6
	VPSRLQ   $1, Y6, Y6           // all bits but the sign
next:
	VMOVUPD (SI), Y7
	TWOSUM(Y0, Y7, Y8, Y10, Y6, Y9, Y11)
	VADDPD  Y10, Y1, Y1
	VMOVAPD Y8, Y0
	VMINPD  Y7, Y2, Y2
	VMAXPD  Y7, Y3, Y3
	VORPD   Y7, Y4, Y4
	VANDPD  Y7, Y5, Y5
	ADDQ    $32, SI
	SUBQ    $4, CX
	JNE     next

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
	VMOVSD       X0, sum+16(FP)
	VMOVSD       X1, lost+24(FP)
	FOLD(VMINPD, Y2, X2, X7)
	VMOVSD       X2, least+32(FP)
	FOLD(VMAXPD, Y3, X3, X7)
	VMOVSD       X3, greatest+40(FP)
	FOLD(VORPD, Y4, X4, X7)
	VMOVSD       X4, some+48(FP)
	FOLD(VANDPD, Y5, X5, X7)
	VMOVSD       X5, all+56(FP)
	VZEROUPPER
	RET
