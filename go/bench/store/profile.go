//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
)

// profiled runs a command, and writes a profile of its processor time to a file unless
// that has no name.
func profiled(file string, run func() (any, error)) (figures any, err error) {
	if file == "" {
		return run()
	}
	to, err := os.Create(file)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if err := pprof.StartCPUProfile(to); err != nil {
		return nil, errors.Join(fmt.Errorf("profile: %w", err), to.Close())
	}
	defer func() {
		pprof.StopCPUProfile()
		err = errors.Join(err, to.Close())
	}()
	return run()
}
