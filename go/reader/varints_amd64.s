#include "go_asm.h"
#include "textflag.h"

// func readEqual(memory, column *byte, n int, plan *readPlan) (read int)
TEXT ·readEqual(SB), NOSPLIT, $0-40
	MOVQ         memory+0(FP), DI
	MOVQ         column+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         plan+24(FP), DX
	VMOVDQU      readPlan_bytes(DX), Y4
	VPBROADCASTQ readPlan_more(DX), Y5
	MOVQ         readPlan_pair(DX), BX
	MOVQ         $const_follows, AX
	VMOVQ        AX, X6
	VPBROADCASTQ X6, Y6
	MOVL         $0x8001, AX      // 1 and 1<<7, in bytes
	VMOVQ        AX, X7
	VPBROADCASTW X7, Y7
	MOVL         $0x40000001, AX  // 1 and 1<<14, in words
	VMOVQ        AX, X8
	VPBROADCASTD X8, Y8
	VPCMPEQD     Y9, Y9, Y9
	VPSRLQ       $36, Y9, Y9      // 28 bits
	MOVQ         DI, DX

next:
	VMOVDQU     (SI), X0
	VINSERTI128 $1, (SI)(BX*1), Y0, Y0
	VPSHUFB     Y4, Y0, Y0
	VPAND       Y6, Y0, Y1
	VPCMPEQQ    Y5, Y1, Y1
	VMOVMSKPD   Y1, AX
	CMPL        AX, $15
	JNE         done
	VPANDN      Y0, Y6, Y0
	VPMADDUBSW  Y0, Y7, Y0
	VPMADDWD    Y8, Y0, Y0
	VPSRLQ      $32, Y0, Y1
	VPAND       Y9, Y0, Y0
	VPSLLQ      $28, Y1, Y1
	VPOR        Y0, Y1, Y0
	VMOVDQU     Y0, (DI)
	LEAQ        (SI)(BX*2), SI
	ADDQ        $32, DI
	SUBQ        $4, CX
	JNE         next

done:
	SUBQ DX, DI
	SHRQ $3, DI
	MOVQ DI, read+32(FP)
	VZEROUPPER
	RET
