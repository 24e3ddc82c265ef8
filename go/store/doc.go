// Package store keeps the points of runs on one machine, in one Pebble
// database. It knows no network and no protobuf.
//
// Writing: DB.Run gives a run, Run.Begin its one transaction at a time. A
// transaction applies the step rules (README.md), and its Commit writes all it
// kept, with the number of the request and the catalog's records, as one atomic
// change; Pending.Wait returns when that is on disk.
//
//	tx := run.Begin()
//	loss := tx.Series(point.Series{Name: "loss", Scale: point.ScaleMLStep}, point.Ordered)
//	tx.Append(loss, logger, point.Batch{Values: []float64{0.5}})
//	pending, err := tx.Commit()
//	...
//	err = pending.Wait() // now it may be acknowledged
//
// Points go to a journal first, one record a transaction, and are kept in
// memory as the head of their run. When the head is large they are rolled into
// blocks: compressed columns of many series' chunks. FORMAT.md draws the
// records. Every method may be called from any goroutine unless it says
// otherwise.
package store
