// Package store keeps the points of runs in segments and a journal of its own, and their
// bookkeeping in an embedded Pebble database.
//
// Write: DB.Run gives a Run; Run.Begin a Tx, which takes points, marks the
// request that brought them as applied and carries records of the catalog;
// Tx.Commit makes all of it visible at once and Pending.Wait returns when it is
// durable. One Tx a run is open at a time; those of different runs go side by
// side, and one sync of the disk serves all that wait.
//
// Read: Run.Points, Run.RLPoints and the summaries (SeriesInfos, Environments,
// …) see every committed Tx and may be called from any goroutine, but not by the
// goroutine that holds an open Tx of the same run.
//
// A point lies in three places one after the other:
//
//	Commit ──▶ journal record (disk) + head (memory) ──roll──▶ block (disk)
//
// The journal makes it durable, the head makes it readable at once, and the roll
// moves many series' points into compressed blocks when enough have gathered.
// README.md holds the step rules, FORMAT.md draws every record.
package store
