//go:build linux

// Command store measures the store and the query service on this machine: the
// Go half of the benchmark of storage, driven by tests/bench/store.py, which
// knows the targets and runs the peers.
//
// The workload is what 1,024 environments log in 16 metrics: batches of 100
// points for each of the 16,384 series. `values` makes them in a process of its
// own and writes them to a pipe, for this store and its peers alike, so that
// making them is on nobody's bill. Every other command prints one JSON object.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/metrana/metrana/go/store"
)

const usage = `store: measures the store and the query service

usage:
  store values  --kind KIND --points N          the workload's values to stdout, as float64
  store ingest  --dir DIR --run NAME --layout rl|std --points N [--die-after N] < values
  store open    --dir DIR                       how long opening takes
  store extras  --dir DIR                       further runs that queries ask for
  store pages   --dir DIR                       what the dashboard is measured on
  store sparse  --dir DIR                       bytes of 16,384 series with 3 points each
  store queries --dir DIR [--server FILE] [--busy-rate N] [--kind KIND] [--only NAME]
  store streams --server FILE --dir DIR         small batches and a thousand streams over gRPC
KIND: f32noise, walk64, random, constant
CPU_PROFILE=FILE in the environment has a profile of the processor's time written.
`

// A command gives what it measured; nil where it wrote to stdout itself.
var commands = map[string]func(args []string) (any, error){
	"values":  values,
	"ingest":  ingest,
	"open":    openDirectory,
	"extras":  extras,
	"pages":   pages,
	"sparse":  sparse,
	"queries": queries,
	"streams": streams,
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	store.SetMemoryPolicy() // as the server does
	figures, err := profiled(os.Getenv("CPU_PROFILE"), func() (any, error) { return commands[os.Args[1]](os.Args[2:]) })
	if err == nil && figures != nil {
		err = json.NewEncoder(os.Stdout).Encode(figures)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "store %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}
