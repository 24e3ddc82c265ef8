package chunk

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
	"sync/atomic"
)

// PagePoints is how many values a page holds: what has to be decoded to read
// one of them.
const PagePoints = 512

// halfPage is how many values of a page have codes of their own: what is read of a
// page is decoded from one of its halves, or from both side by side.
const halfPage = PagePoints / 2

// Values lie in pages behind a directory. Each value is cut in three: trailing
// bits that are zero in all of them and are not kept, low bits that are kept as
// they are, and the high bits, of which there are few different ones: sign,
// exponent and what else repeats. These have Huffman codes. What is noise costs
// its bits and what is not costs little; any page can be read by itself.
const (
	oneValue = 0 // all values have the same bits: the directory holds them
	rawPages = 1 // eight bytes a value
	cutPages = 2
)

// directory says how to read pages of values.
type directory struct {
	n       int
	kind    byte
	one     float64
	dropped uint     // trailing bits that are zero
	low     uint     // bits kept as they are
	highs   []uint64 // by symbol: the high bits in their place
	lengths []uint8  // of the symbols' codes
	starts  []uint32 // of each page, and the end of the last
	plan    joinPlan // of low bits
}

// Values gives access to the pages of a column of values.
type Values struct {
	directory

	table atomic.Pointer[decodeTable] // made when it is first needed
}

const (
	maxLow      = 56 // so that eight bytes hold the low bits at any offset
	crcSize     = 4
	sampleSize  = 512
	highsWindow = 1 << 14 // how far apart high bits may be
	highsMask   = highsWindow - 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendRaw(pages []byte, values []float64) []byte {
	for from := 0; from < len(values); from += PagePoints {
		start := len(pages)
		for _, v := range values[from:min(from+PagePoints, len(values))] {
			pages = binary.LittleEndian.AppendUint64(pages, math.Float64bits(v))
		}
		pages = appendSum(pages, start)
	}
	return pages
}

// AppendValues writes the directory of a column and its pages, small.
func AppendValues(head, pages []byte, values []float64) (newHead, newPages []byte) {
	if len(values) == 0 {
		return head, pages
	}
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	d := e.plan(values)
	head = append(head, d.kind)
	switch d.kind {
	case oneValue:
		return binary.LittleEndian.AppendUint64(head, math.Float64bits(values[0])), pages
	case rawPages:
		return head, appendRaw(pages, values)
	}
	head = append(head, byte(d.dropped), byte(d.low))
	head = binary.AppendUvarint(head, uint64(len(d.highs)))
	before := uint64(0)
	for i, high := range d.highs {
		high >>= d.dropped + d.low
		head = binary.AppendUvarint(head, high-before)
		head = append(head, d.lengths[i])
		before = high
	}
	for from := 0; from < len(values); from += PagePoints {
		start := len(pages)
		page := values[from:min(from+PagePoints, len(values))]
		pages = e.appendSymbols(pages, page, d)
		if len(d.highs) > 1 {
			head = binary.AppendUvarint(head, uint64(len(pages)-start))
		}
		pages = appendSum(appendLow(pages, page, d.dropped, d.low), start)
	}
	return head, pages
}

func appendSum(pages []byte, start int) []byte {
	return binary.LittleEndian.AppendUint32(pages, crc32.Checksum(pages[start:], castagnoli))
}

// ParseValues reads the directory of a column of n values.
func ParseValues(src []byte, n int) (*Values, []byte, error) {
	v := &Values{}
	v.n = n
	if n == 0 {
		return v, src, nil
	}
	if len(src) == 0 {
		return nil, nil, corrupt("values cut short")
	}
	v.kind, src = src[0], src[1:]
	pages := (n + PagePoints - 1) / PagePoints
	switch v.kind {
	case oneValue:
		if len(src) < 8 {
			return nil, nil, corrupt("values cut short")
		}
		v.one = math.Float64frombits(binary.LittleEndian.Uint64(src))
		return v, src[8:], nil
	case rawPages:
		v.starts = make([]uint32, 0, pages+1)
		v.addStarts(func(points int) uint32 { return uint32(8*points + crcSize) })
		return v, src, nil
	case cutPages:
		rest, err := v.parseCut(src)
		return v, rest, err
	}
	return nil, nil, corrupt("unknown kind of values")
}

// addStarts adds up the sizes of the pages.
func (d *directory) addStarts(size func(points int) uint32) {
	at := uint32(0)
	for left := d.n; left > 0; left -= PagePoints {
		d.starts = append(d.starts, at)
		at += size(min(left, PagePoints))
	}
	d.starts = append(d.starts, at)
}

func (d *directory) parseCut(src []byte) ([]byte, error) {
	if len(src) < 2 {
		return nil, corrupt("values cut short")
	}
	d.dropped, d.low, src = uint(src[0]), uint(src[1]), src[2:]
	count, src, err := Uvarint(src)
	if err != nil {
		return nil, err
	}
	if count == 0 || count > maxSymbols || d.low > maxLow || d.dropped+d.low >= 64 && (count > 1 || d.dropped+d.low > 64) {
		return nil, corrupt("impossible cut of values")
	}
	if src, err = d.parseHighs(src, int(count)); err != nil {
		return nil, err
	}
	d.plan = joinPlanOf(d.dropped, d.low)
	lowBytes := func(points int) uint32 { return uint32((points*int(d.low)+7)/8) + crcSize }
	if count == 1 {
		d.addStarts(lowBytes)
		return src, nil
	}
	if !fitTree(d.lengths) {
		return nil, corrupt("codes that are no tree")
	}
	d.addStarts(func(points int) uint32 {
		var size uint64
		if err == nil {
			size, src, err = Uvarint(src)
		}
		if err == nil && size > uint64(maxCodesSize(points)) {
			err = corrupt("symbols longer than they can be")
		}
		return uint32(size) + lowBytes(points)
	})
	return src, err
}

func (d *directory) parseHighs(src []byte, count int) ([]byte, error) {
	d.highs, d.lengths = make([]uint64, count), make([]uint8, count)
	high := uint64(0)
	for i := range count {
		more, rest, err := Uvarint(src)
		if err != nil {
			return nil, err
		}
		if len(rest) == 0 || rest[0] > maxCodeBits || count > 1 && rest[0] == 0 {
			return nil, corrupt("impossible code of values")
		}
		high += more
		d.highs[i], d.lengths[i], src = high<<(d.dropped+d.low), rest[0], rest[1:]
	}
	return src, nil
}

func maxCodesSize(points int) int { return (points*maxCodeBits+7)/8 + 3 }

// Size is how many bytes the pages take.
func (v *Values) Size() int {
	if len(v.starts) == 0 {
		return 0
	}
	return int(v.starts[len(v.starts)-1])
}

// Len is the number of values.
func (v *Values) Len() int { return v.n }

// Bytes says where the pages with the values from..to lie among the bytes of all
// pages. A column of one value has none.
func (v *Values) Bytes(from, to int) (start, end int) {
	if v.kind == oneValue || from >= to {
		return 0, 0
	}
	return int(v.starts[from/PagePoints]), int(v.starts[(to-1)/PagePoints+1])
}

// Append decodes the values from..to; src are the bytes that Bytes named.
func (v *Values) Append(dst []float64, src []byte, from, to int) ([]float64, error) {
	if from < 0 || to > v.n || from > to {
		return nil, corrupt("values beyond the end of their column")
	}
	if v.kind == oneValue {
		for range to - from {
			dst = append(dst, v.one)
		}
		return dst, nil
	}
	if from == to {
		return dst, nil
	}
	offset := v.starts[from/PagePoints]
	for page := from / PagePoints; page*PagePoints < to; page++ {
		start, end := int(v.starts[page]-offset), int(v.starts[page+1]-offset)
		if end > len(src) {
			return nil, corrupt("page cut short")
		}
		begin := page * PagePoints
		var err error
		dst, err = v.appendPage(dst, src[start:end], min(PagePoints, v.n-begin), max(from-begin, 0), min(to-begin, PagePoints))
		if err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// appendPage decodes the values from..to of a page of n.
func (v *Values) appendPage(dst []float64, page []byte, n, from, to int) ([]float64, error) {
	body := page[:len(page)-crcSize]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(page[len(body):]) {
		return nil, corrupt("page with a wrong checksum")
	}
	start := len(dst)
	dst = slices.Grow(dst, to-from)[:start+to-from]
	out := dst[start:]
	if v.kind == rawPages {
		readRaw(out, body[8*from:])
		return dst, nil
	}
	var symbols pageSymbols
	low := body[len(body)-(n*int(v.low)+7)/8:]
	if len(v.highs) > 1 && !v.decode(&symbols, page, len(body)-len(low), n, from, to) {
		return nil, corrupt("bits that are no code")
	}
	for half := range symbols {
		first, end := max(from, half*halfPage), min(to, (half+1)*halfPage)
		if first < end {
			v.join(out[first-from:end-from], symbols[half][first-half*halfPage:], low, first)
		}
	}
	return dst, nil
}

// pageSymbols are those of the halves of a page, and room behind each.
type pageSymbols [2][halfPage + many]uint8

// decode reads the symbols of a page of n values, at least those from..to; their codes are
// the first so many bytes. A column of a few values is read code by code: it takes less
// than a table of all codes.
func (v *Values) decode(symbols *pageSymbols, page []byte, size, n, from, to int) bool {
	const few = PagePoints / 4
	if v.n <= few {
		return decodeFew(symbols[0][:to], page[:size], v.lengths)
	}
	table := v.table.Load()
	if table == nil {
		table = newDecodeTable(v.lengths)
		v.table.Store(table)
	}
	if n <= halfPage {
		return decodeSymbols(symbols[0][:to+many], page, size, table)
	}
	if size < 2 || size-2 < int(binary.LittleEndian.Uint16(page)) {
		return false
	}
	first := int(binary.LittleEndian.Uint16(page))
	second := size - 2 - first
	page = page[2:]
	switch {
	case to <= halfPage:
		return decodeSymbols(symbols[0][:to+many], page, first, table)
	case from >= halfPage:
		return decodeSymbols(symbols[1][:to-halfPage+many], page[first:], second, table)
	}
	return decodeBoth(symbols[0][:], symbols[1][:to-halfPage+many], page, first, second, table)
}
