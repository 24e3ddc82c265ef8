#include "textflag.h"

// func narrowEights(dst *byte, src *float64, n int) (exact bool)
TEXT ·narrowEights(SB), NOSPLIT, $0-25
	MOVQ     dst+0(FP), DI
	MOVQ     src+8(FP), SI
	MOVQ     n+16(FP), CX
	VPCMPEQD Y6, Y6, Y6
next:
	VMOVUPD    (SI), Y0
	VMOVUPD    32(SI), Y1
	VCVTPD2PSY Y0, X2
	VCVTPD2PSY Y1, X3
	VMOVUPS    X2, (DI)
	VMOVUPS    X3, 16(DI)
	VCVTPS2PD  X2, Y4
	VCVTPS2PD  X3, Y5
	VPCMPEQQ   Y0, Y4, Y4
	VPCMPEQQ   Y1, Y5, Y5
	VPAND      Y4, Y5, Y4
	VPAND      Y4, Y6, Y6
	ADDQ       $64, SI
	ADDQ       $32, DI
	SUBQ       $8, CX
	JNE        next
	VPMOVMSKB  Y6, AX
	CMPL       AX, $-1
	SETEQ      exact+24(FP)
	VZEROUPPER
	RET

// func widenEights(dst *float64, src *float32, n int)
TEXT ·widenEights(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
next:
	VCVTPS2PD (SI), Y0
	VCVTPS2PD 16(SI), Y1
	VMOVUPD   Y0, (DI)
	VMOVUPD   Y1, 32(DI)
	ADDQ      $32, SI
	ADDQ      $64, DI
	SUBQ      $8, CX
	JNE       next
	VZEROUPPER
	RET
