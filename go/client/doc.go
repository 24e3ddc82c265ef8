// Package client is the engine inside the training process: it takes points
// and attributes without blocking the loop and delivers them to a server.
//
//	caller ─▶ Logger ─▶ queue ─▶ batcher ─▶ sender ─▶ one stream
//	          numbers   bounded  messages   window of unacknowledged
//	          copies             by size    requests, in order
//	                             and age      ◀─ acknowledgements
//
// A call validates, assigns steps, copies the caller's memory once and puts
// the copy in the queue; then it returns. One goroutine, the batcher, cuts the
// queue into requests and encodes them. One goroutine, the sender, owns the
// connection: it keeps at most MaxPendingRequests of them unacknowledged and,
// when a stream fails, opens another and sends those again, byte for byte.
//
// # Counting
//
// For each kind of data, at every moment
//
//	added == sent + dropped + what is still in queue, message or window
//
// A call refused by validation counts nothing. Points that are shed, because
// the queue is full or because they come late on an ordered series, count as
// added and dropped.
//
// # Concurrency
//
// Every method of Logger may be called from any goroutine. Points of one
// series keep the order in which they got their steps. Nothing calls back into
// the program: what it should hear of waits in Events.
//
// Every goroutine is started through Logger.start, which turns a panic into a
// dead logger instead of a dead program.
package client
