#include "go_asm.h"
#include "textflag.h"

// func surveyEights(values *float64, n int, lanes *surveyLanes)
TEXT ·surveyEights(SB), NOSPLIT, $0-24
	MOVQ         values+0(FP), SI
	MOVQ         n+8(FP), CX
	MOVQ         lanes+16(FP), DI
	VPCMPEQD     Y14, Y14, Y14
	VPSLLQ       $63, Y14, Y14   // the sign, turned over to compare as without one
	VPXOR        Y0, Y0, Y0      // any
	VPXOR        Y1, Y1, Y1
	VPBROADCASTQ (SI), Y2        // low
	VPXOR        Y14, Y2, Y2
	VMOVDQA      Y2, Y3
	VMOVDQA      Y2, Y4          // high
	VMOVDQA      Y2, Y5

next:
	VMOVDQU   (SI), Y6
	VMOVDQU   32(SI), Y7
	VPOR      Y6, Y0, Y0
	VPOR      Y7, Y1, Y1
	VPXOR     Y14, Y6, Y6
	VPXOR     Y14, Y7, Y7
	VPCMPGTQ  Y6, Y2, Y8
	VPCMPGTQ  Y7, Y3, Y9
	VPCMPGTQ  Y4, Y6, Y10
	VPCMPGTQ  Y5, Y7, Y11
	VPBLENDVB Y8, Y6, Y2, Y2
	VPBLENDVB Y9, Y7, Y3, Y3
	VPBLENDVB Y10, Y6, Y4, Y4
	VPBLENDVB Y11, Y7, Y5, Y5
	ADDQ      $64, SI
	SUBQ      $8, CX
	JNE       next
	VPOR      Y0, Y1, Y0
	VPXOR     Y14, Y2, Y2
	VPXOR     Y14, Y3, Y3
	VPXOR     Y14, Y4, Y4
	VPXOR     Y14, Y5, Y5
	VMOVDQU   Y0, (DI)
	VMOVDQU   Y2, 32(DI)
	VMOVDQU   Y3, 64(DI)
	VMOVDQU   Y4, 96(DI)
	VMOVDQU   Y5, 128(DI)
	VZEROUPPER
	RET

// func packEights(dst *byte, values *float64, n int, dropped, low uint, steps *packSteps)
TEXT ·packEights(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         values+8(FP), SI
	MOVQ         n+16(FP), CX
	VMOVQ        dropped+24(FP), X13
	MOVQ         low+32(FP), BX
	VMOVQ        BX, X14
	MOVQ         $1, AX
	SHLXQ        BX, AX, AX
	DECQ         AX
	VMOVQ        AX, X12
	VPBROADCASTQ X12, Y12
	MOVQ         steps+40(FP), DX
	MOVQ         0(DX), R8
	MOVQ         8(DX), R9
	MOVQ         16(DX), R10
	MOVQ         24(DX), R11
	MOVQ         32(DX), R12
	MOVQ         40(DX), R13

next:
	VMOVDQU      (SI), Y0
	VMOVDQU      32(SI), Y1
	VPSRLQ       X13, Y0, Y0
	VPSRLQ       X13, Y1, Y1
	VPAND        Y12, Y0, Y0
	VPAND        Y12, Y1, Y1
	VPSRLDQ      $8, Y0, Y2
	VPSRLDQ      $8, Y1, Y3
	VPSLLQ       X14, Y2, Y2
	VPSLLQ       X14, Y3, Y3
	VPOR         Y2, Y0, Y0
	VPOR         Y3, Y1, Y1
	VEXTRACTI128 $1, Y0, X2
	VEXTRACTI128 $1, Y1, X3
	VMOVQ        X0, AX
	MOVQ         AX, (DI)
	ADDQ         48(DX), DI
	SHRXQ        R11, AX, AX
	VMOVQ        X2, BX
	SHLXQ        R8, BX, BX
	ORQ          AX, BX
	MOVQ         BX, (DI)
	ADDQ         56(DX), DI
	SHRXQ        R12, BX, BX
	VMOVQ        X1, AX
	SHLXQ        R9, AX, AX
	ORQ          BX, AX
	MOVQ         AX, (DI)
	ADDQ         64(DX), DI
	SHRXQ        R13, AX, AX
	VMOVQ        X3, BX
	SHLXQ        R10, BX, BX
	ORQ          AX, BX
	MOVQ         BX, (DI)
	ADDQ         72(DX), DI
	ADDQ         $64, SI
	SUBQ         $8, CX
	JNE          next
	VZEROUPPER
	RET

// CODE_OF gives the code of a value, by its high bits, and how long that is.
#define CODE_OF(offset, code, length) \
	MOVQ    offset(SI), code            \
	SHRXQ   R8, code, code              \
	SUBQ    R9, code                    \
	ANDQ    $const_highsMask, code      \
	MOVBLZX 2(R10)(code*4), length      \
	MOVWLZX (R10)(code*4), code

// ADD_CODE_OF puts the code of a value behind those in AX, which are BX bits long.
#define ADD_CODE_OF(offset) \
	CODE_OF(offset, DX, R13)  \
	SHLXQ BX, DX, DX          \
	ORQ   DX, AX              \
	ADDQ  R13, BX

// func packCodes(dst *byte, values *float64, n int, cut uint, base uint64, codes *code) (size int, held uint64, bits uint)
TEXT ·packCodes(SB), NOSPLIT, $0-72
	MOVQ dst+0(FP), DI
	MOVQ values+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ cut+24(FP), R8
	MOVQ base+32(FP), R9
	MOVQ codes+40(FP), R10
	XORL R11, R11           // held
	XORL R12, R12           // bits of it

next:
	CODE_OF(0, AX, BX)
	ADD_CODE_OF(8)
	ADD_CODE_OF(16)
	ADD_CODE_OF(24)
	SHLXQ R12, AX, AX
	ORQ   AX, R11
	ADDQ  BX, R12
	MOVQ  R11, (DI)
	MOVQ  R12, DX
	SHRQ  $3, DX
	ADDQ  DX, DI
	SHLQ  $3, DX
	SHRXQ DX, R11, R11
	ANDQ  $7, R12
	ADDQ  $32, SI
	SUBQ  $4, CX
	JNE   next
	SUBQ  dst+0(FP), DI
	MOVQ  DI, size+48(FP)
	MOVQ  R11, held+56(FP)
	MOVQ  R12, bits+64(FP)
	RET
