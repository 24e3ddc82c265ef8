#include "go_asm.h"
#include "textflag.h"

// PAIRS gives the four values whose bits begin at SI: of two pairs, each of which is in
// the sixteen bytes from where it begins on, the bytes of each value are put in a place of
// their own and shifted.
#define PAIRS(first, second, bytes, shifts, X, Y) \
	VMOVDQU     (SI)(first*1), X              \
	VINSERTI128 $1, (SI)(second*1), Y, Y      \
	VPSHUFB     bytes, Y, Y                   \
	VPSRLVQ     shifts, Y, Y                  \
	VPAND       Y12, Y, Y                     \
	VPSLLQ      X13, Y, Y

// HIGHS gives the high bits of four values, whose symbols are the lowest bytes of AX.
#define HIGHS(X, Y, Z)                   \
	MOVBLZX     AL, CX               \
	VMOVQ       (BX)(CX*8), X        \
	SHRQ        $8, AX               \
	MOVBLZX     AL, CX               \
	VPINSRQ     $1, (BX)(CX*8), X, X \
	SHRQ        $8, AX               \
	MOVBLZX     AL, CX               \
	VMOVQ       (BX)(CX*8), Z        \
	SHRQ        $8, AX               \
	MOVBLZX     AL, CX               \
	VPINSRQ     $1, (BX)(CX*8), Z, Z \
	SHRQ        $8, AX               \
	VINSERTI128 $1, Z, Y, Y

// func joinEights(dst *float64, symbols, low *byte, n int, highs *uint64, plan *joinPlan)
TEXT ·joinEights(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         symbols+8(FP), DX
	MOVQ         low+16(FP), SI
	MOVQ         n+24(FP), R8
	MOVQ         highs+32(FP), BX
	MOVQ         plan+40(FP), R9
	VMOVDQU      joinPlan_bytes+0(R9), Y8
	VMOVDQU      joinPlan_bytes+32(R9), Y9
	VMOVDQU      joinPlan_shifts+0(R9), Y10
	VMOVDQU      joinPlan_shifts+32(R9), Y11
	VPBROADCASTQ joinPlan_mask(R9), Y12
	VMOVQ        joinPlan_dropped(R9), X13
	XORL         R10, R10
	MOVQ         joinPlan_pairs+8(R9), R11
	MOVQ         joinPlan_pairs+16(R9), R12
	MOVQ         joinPlan_pairs+24(R9), R13
	MOVQ         joinPlan_width(R9), R9

next:
	PAIRS(R10, R11, Y8, Y10, X0, Y0)
	PAIRS(R12, R13, Y9, Y11, X1, Y1)
	MOVQ    (DX), AX
	HIGHS(X2, Y2, X3)
	HIGHS(X4, Y4, X5)
	VPOR    Y0, Y2, Y0
	VPOR    Y1, Y4, Y1
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	ADDQ    R9, SI
	ADDQ    $8, DX
	ADDQ    $64, DI
	SUBQ    $8, R8
	JNE     next
	VZEROUPPER
	RET

// FILL takes as many bytes as are held whole.
#define FILL(src, held, bits) \
	MOVQ  (src), AX       \
	SHLXQ bits, AX, AX    \
	ORQ   AX, held        \
	MOVQ  bits, CX        \
	XORQ  $63, CX         \
	SHRQ  $3, CX          \
	ADDQ  CX, src         \
	ORQ   $56, bits

// LOOK_UP gives the entry in AX; where it is one of a longer code, or none, it goes to
// another place, which comes back.
#define LOOK_UP(held, other, back)            \
	MOVL  held, AX                        \
	ANDL  $((1<<const_shortBits)-1), AX   \
	MOVL  decodeTable_short(R8)(AX*4), AX \
	TESTB $const_countMask, AX            \
	JEQ   other                           \
back:

// LOOK_UP_LONG goes on with a longer code.
#define LOOK_UP_LONG(held, other, back)    \
other:                                     \
	SHRL  $8, AX                       \
	JEQ   done                         \
	MOVQ  held, CX                     \
	SHRQ  $const_shortBits, CX         \
	ANDL  $((1<<const_moreBits)-1), CX \
	ADDQ  CX, AX                       \
	MOVQ  decodeTable_long(R8), CX     \
	MOVL  -4(CX)(AX*4), AX             \
	TESTL AX, AX                       \
	JEQ   done                         \
	JMP   back

// TAKE writes the symbols of the entry in AX.
#define TAKE(dst, held, bits)         \
	SHRXQ   AX, held, held        \
	MOVBLZX AX, CX                \
	SHRL    $8, AX                \
	MOVL    AX, (dst)             \
	MOVL    CX, AX                \
	ANDL    $const_bitsMask, AX   \
	SUBQ    AX, bits              \
	SHRL    $const_countShift, CX \
	ADDQ    CX, dst

// func readOneRounds(r *symbolReader, table *decodeTable)
TEXT ·readOneRounds(SB), NOSPLIT, $0-16
	MOVQ r+0(FP), DX
	MOVQ table+8(FP), R8
	MOVQ symbolReader_src+0(DX), SI
	MOVQ symbolReader_src+8(DX), AX
	LEAQ -8(SI)(AX*1), R11
	ADDQ symbolReader_at(DX), SI
	MOVQ symbolReader_dst+0(DX), DI
	MOVQ symbolReader_dst+8(DX), AX
	LEAQ -const_many(DI)(AX*1), R12
	ADDQ symbolReader_got(DX), DI
	MOVQ symbolReader_held(DX), R9
	MOVQ symbolReader_bits(DX), R10

round:
	FILL(SI, R9, R10)
	MOVL $const_roundEntries, R13

next:
	LOOK_UP(R9, long, found)
	TAKE(DI, R9, R10)
	DECL R13
	JNE  next
	CMPQ SI, R11
	JHI  done
	CMPQ DI, R12
	JCS  round

done:
	SUBQ symbolReader_src+0(DX), SI
	MOVQ SI, symbolReader_at(DX)
	SUBQ symbolReader_dst+0(DX), DI
	MOVQ DI, symbolReader_got(DX)
	MOVQ R9, symbolReader_held(DX)
	MOVQ R10, symbolReader_bits(DX)
	RET

	LOOK_UP_LONG(R9, long, found)

// func readBothRounds(a, b *symbolReader, table *decodeTable)
TEXT ·readBothRounds(SB), NOSPLIT, $32-24
	MOVQ table+16(FP), R8

	MOVQ a+0(FP), DX
	MOVQ symbolReader_src+0(DX), SI
	MOVQ symbolReader_src+8(DX), AX
	LEAQ -8(SI)(AX*1), AX
	MOVQ AX, lastSrcA-8(SP)
	ADDQ symbolReader_at(DX), SI
	MOVQ symbolReader_dst+0(DX), DI
	MOVQ symbolReader_dst+8(DX), AX
	LEAQ -const_many(DI)(AX*1), AX
	MOVQ AX, endDstA-16(SP)
	ADDQ symbolReader_got(DX), DI
	MOVQ symbolReader_held(DX), R9
	MOVQ symbolReader_bits(DX), R10

	MOVQ b+8(FP), DX
	MOVQ symbolReader_src+0(DX), R11
	MOVQ symbolReader_src+8(DX), AX
	LEAQ -8(R11)(AX*1), AX
	MOVQ AX, lastSrcB-24(SP)
	ADDQ symbolReader_at(DX), R11
	MOVQ symbolReader_dst+0(DX), BX
	MOVQ symbolReader_dst+8(DX), AX
	LEAQ -const_many(BX)(AX*1), AX
	MOVQ AX, endDstB-32(SP)
	ADDQ symbolReader_got(DX), BX
	MOVQ symbolReader_held(DX), R12
	MOVQ symbolReader_bits(DX), R13

round:
	FILL(SI, R9, R10)
	FILL(R11, R12, R13)
	MOVL $const_roundEntries, DX

next:
	LOOK_UP(R9, longA, foundA)
	TAKE(DI, R9, R10)
	LOOK_UP(R12, longB, foundB)
	TAKE(BX, R12, R13)
	DECL DX
	JNE  next
	CMPQ SI, lastSrcA-8(SP)
	JHI  done
	CMPQ DI, endDstA-16(SP)
	JCC  done
	CMPQ R11, lastSrcB-24(SP)
	JHI  done
	CMPQ BX, endDstB-32(SP)
	JCS  round

done:
	MOVQ a+0(FP), DX
	SUBQ symbolReader_src+0(DX), SI
	MOVQ SI, symbolReader_at(DX)
	SUBQ symbolReader_dst+0(DX), DI
	MOVQ DI, symbolReader_got(DX)
	MOVQ R9, symbolReader_held(DX)
	MOVQ R10, symbolReader_bits(DX)
	MOVQ b+8(FP), DX
	SUBQ symbolReader_src+0(DX), R11
	MOVQ R11, symbolReader_at(DX)
	SUBQ symbolReader_dst+0(DX), BX
	MOVQ BX, symbolReader_got(DX)
	MOVQ R12, symbolReader_held(DX)
	MOVQ R13, symbolReader_bits(DX)
	RET

	LOOK_UP_LONG(R9, longA, foundA)
	LOOK_UP_LONG(R12, longB, foundB)
