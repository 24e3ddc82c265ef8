// Package point holds what travels from the training loop to the disk: the
// identity of a series and batches of its points as columns. It imports
// nothing of Metrana, so that both ends of the wire can share it.
package point
