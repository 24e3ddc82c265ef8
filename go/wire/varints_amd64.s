#include "go_asm.h"
#include "textflag.h"

// func countWithin(values *uint64, n int, low, span uint64) (count int)
TEXT ·countWithin(SB), NOSPLIT, $0-40
	MOVQ         values+0(FP), SI
	MOVQ         n+8(FP), CX
	MOVQ         low+16(FP), AX
	MOVQ         span+24(FP), BX
	BTCQ         $63, AX         // turned over to compare as without a sign
	BTCQ         $63, BX
	VMOVQ        AX, X2
	VMOVQ        BX, X3
	VPBROADCASTQ X2, Y2
	VPBROADCASTQ X3, Y3
	MOVQ         SI, DX

next:
	VMOVDQU  (SI), Y0
	VMOVDQU  32(SI), Y1
	VPSUBQ   Y2, Y0, Y0
	VPSUBQ   Y2, Y1, Y1
	VPCMPGTQ Y3, Y0, Y0
	VPCMPGTQ Y3, Y1, Y1
	VPOR     Y0, Y1, Y0
	VPTEST   Y0, Y0
	JNE      done
	ADDQ     $64, SI
	SUBQ     $8, CX
	JNE      next

done:
	SUBQ DX, SI
	SHRQ $3, SI
	MOVQ SI, count+32(FP)
	VZEROUPPER
	RET

// SPREAD moves half of the bits that lie beside each other, those not in the mask, up.
#define SPREAD(mask, bits) \
	VPANDN Y0, mask, Y1   \
	VPAND  Y0, mask, Y0   \
	VPSLLQ $bits, Y1, Y1  \
	VPOR   Y0, Y1, Y0

// func writeEqual(dst *byte, values *uint64, n int, plan *writePlan) (count int)
TEXT ·writeEqual(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         values+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         plan+24(FP), DX
	VMOVDQU      writePlan_bytes(DX), Y4
	VPBROADCASTQ writePlan_more(DX), Y5
	VPBROADCASTQ writePlan_low(DX), Y2
	VPBROADCASTQ writePlan_span(DX), Y3
	MOVQ         writePlan_pair(DX), BX
	MOVQ         SI, DX
	VPCMPEQD     Y8, Y8, Y8
	VPSRLQ       $36, Y8, Y6     // the lowest 28 bits of 56
	VPSRLD       $18, Y8, Y7     // 14 of 28
	VPSRLW       $9, Y8, Y8      // 7 of 14

next:
	VMOVDQU      (SI), Y0
	VPSUBQ       Y2, Y0, Y1
	VPCMPGTQ     Y3, Y1, Y1
	VPTEST       Y1, Y1
	JNE          done
	SPREAD(Y6, 4)
	SPREAD(Y7, 2)
	SPREAD(Y8, 1)
	VPOR         Y5, Y0, Y0
	VPSHUFB      Y4, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VMOVDQU      X0, (DI)
	VMOVDQU      X1, (DI)(BX*1)
	LEAQ         (DI)(BX*2), DI
	ADDQ         $32, SI
	SUBQ         $4, CX
	JNE          next

done:
	SUBQ DX, SI
	SHRQ $3, SI
	MOVQ SI, count+32(FP)
	VZEROUPPER
	RET
