package store

import (
	"archive/tar"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/metrana/metrana/go/point"
)

var keep = flag.Bool("keep", false, "write the data directory of this format to testdata")

// kept is the archive of a data directory of each format that was released.
func kept(format int) string { return fmt.Sprintf("testdata/format%d.tar.gz", format) }

// nanWithPayload is a value that only survives bit for bit.
var nanWithPayload = math.Float64frombits(0x7ff8_0000_dead_beef)

// fillKept logs all that a format has to say: points of both kinds in files, small
// segments, merged ones and the journal, an episode that began anew, what was late.
func fillKept(t testing.TB, db *DB) {
	t.Helper()
	r := runOf(t, db)
	values := func(n int, from float64) []float64 {
		list := make([]float64, n)
		for i := range list {
			list[i] = from + float64(float32(math.Sin(float64(i)+from)))
		}
		return list
	}
	for i := range uint64(4) {
		commit(t, r, func(tx *Tx) {
			if i == 0 { // goes into the database, others into the journal's files
				must(t, tx.Records().Put([]byte("key"), []byte("record")))
			}
			tx.MarkApplied(7, i+1)
			tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{
				Steps: point.Steps{First: 1000 * i}, Times: point.Times{Millis: int64(5000 * i)}, Values: values(700, float64(i)),
			})
			tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Steps: point.Steps{First: 3}, Values: []float64{1}})
			tx.Append(tx.Series(shared, point.Unordered), i%2, point.Batch{
				Steps: point.Steps{List: []uint64{9, 3, 9}}, Values: []float64{nanWithPayload, math.Inf(-1), float64(i)},
			})
			for _, env := range []string{"a", "b"} {
				no := tx.Environment(env)
				tx.AppendRL(tx.Series(reward, point.Ordered), no, rl(i, i/2, 0, values(90, 10)...), true)
				tx.AppendRL(tx.Series(reward, point.Ordered), no, rl(i, i/2, 88, 1, 2, 3), false) // two are there
				tx.AppendRL(tx.Series(reward, point.Ordered), no, rl(i, math.MaxUint64, 0, 1), true)
				tx.AppendRL(tx.Series(ret, point.Ordered), no, point.RLBatch{
					RLStep: i, Minors: point.Steps{First: i}, Values: []float64{float64(i)},
				}, true)
			}
		})
		if i == 2 {
			commit(t, r, func(tx *Tx) { // the episode begins anew
				tx.AppendRL(tx.Series(reward, point.Ordered), tx.Environment("b"), rl(2, 1, 0, 0.5, 0.25), true)
			})
		}
		if i < 3 {
			must(t, r.settle(i == 1))
		}
	}
}

// answers are what a directory says of a run, to the bit.
func answers(t testing.TB, db *DB) (out []any) {
	t.Helper()
	r := runOf(t, db)
	stats := r.Stats()
	out = append(out, stats.Points, stats.Late, stats.Duplicates, stats.Refused, stats.Series, r.Environments(), r.SeriesInfos())
	bits := func(values []float64) (list []uint64) {
		for _, v := range values {
			list = append(list, math.Float64bits(v))
		}
		return list
	}
	for no := uint32(1); no <= uint32(stats.Series); no++ {
		points, err := r.Points(no, 0, math.MaxUint64)
		must(t, err)
		out = append(out, points.Steps, bits(points.Values), points.Times, points.Loggers)
		for env := uint32(1); env <= 2; env++ {
			points, err := r.RLPoints(no, env, RLRange{})
			must(t, err)
			out = append(out, points.RLSteps, points.Episodes, points.EnvSteps, points.TotalSteps, points.Minors, bits(points.Values), points.Times)
		}
		sums, err := r.RLSums(no, AlongRLSteps, Range{To: math.MaxUint64})
		must(t, err)
		buckets, err := r.Buckets(no, Axis{Starts: []uint64{0, 300, 1500}, Last: 10_000})
		must(t, err)
		out = append(out, sums, buckets)
	}
	for _, along := range everyAxis {
		pooled, err := r.AppendPooledBuckets(nil, RLCurve{Series: 3, Along: along, Within: Range{To: math.MaxUint64}}, Axis{Starts: []uint64{0, 1, 2, 3}, Last: math.MaxUint64})
		must(t, err)
		out = append(out, pooled)
	}
	tx := r.Begin()
	out = append(out, tx.Applied(7, 4), tx.Applied(7, 5))
	tx.Abort()
	return out
}

// Data directories of all released formats open, and say what they said.
func TestKeptDirectoriesOpen(t *testing.T) {
	fresh := open(t, t.TempDir())
	defer closed(t, fresh)
	fillKept(t, fresh)
	want := answers(t, fresh)
	if *keep {
		dir := t.TempDir()
		db := open(t, dir)
		db.maxInline, db.pools = 1<<10, poolLimits{least: 1, each: 8, run: 4, slots: 4}
		fillKept(t, db)
		pack(t, dir, kept(formatVersion)) // as a process that is killed leaves it
		closed(t, db)
	}
	for format := 5; format <= formatVersion; format++ {
		dir := t.TempDir()
		unpack(t, kept(format), dir)
		db := open(t, dir)
		got := answers(t, db)
		for i := range want {
			if !same(got[i], want[i]) {
				t.Errorf("format %d, answer %d:\n%v\nwant\n%v", format, i, got[i], want[i])
			}
		}
		// And it can be written on.
		commit(t, runOf(t, db), func(tx *Tx) {
			tx.Append(tx.Series(loss, point.Ordered), 1, point.Batch{Steps: point.Steps{First: 9000}, Values: []float64{1}})
		})
		must(t, runOf(t, db).settle(true))
		_, err := db.Check(t.Context(), func(fault error) { t.Errorf("format %d: %v", format, fault) })
		must(t, err)
		closed(t, db)
	}
}

// same compares answers, in which NaN is equal to itself.
func same(a, b any) bool {
	return reflect.DeepEqual(a, b) || fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b)
}

func pack(t testing.TB, dir, archive string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(archive), 0o755))
	file, err := os.Create(archive)
	must(t, err)
	packed := gzip.NewWriter(file)
	to := tar.NewWriter(packed)
	must(t, to.AddFS(os.DirFS(dir)))
	must(t, to.Close())
	must(t, packed.Close())
	must(t, file.Close())
}

func unpack(t testing.TB, archive, dir string) {
	t.Helper()
	file, err := os.Open(archive)
	must(t, err)
	defer file.Close()
	packed, err := gzip.NewReader(file)
	must(t, err)
	from := tar.NewReader(packed)
	for {
		entry, err := from.Next()
		if err == io.EOF {
			return
		}
		must(t, err)
		path := filepath.Join(dir, filepath.FromSlash(entry.Name))
		if entry.FileInfo().IsDir() {
			must(t, os.MkdirAll(path, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		content, err := io.ReadAll(from)
		must(t, err)
		must(t, os.WriteFile(path, content, fs.FileMode(0o644)))
	}
}
