package store

// attachedReserve is what the disk must have left for attached files: they must not
// take the room that points need.
const attachedReserve = 2 * spaceReserve

// attachedDir has files that records of the catalog name and that never change once
// they have their names: videos. The store knows of them what backups have to.
const attachedDir = "renderings"

// AttachedDir is where files lie that records name. Each must be durable before
// its record is written. A backup takes along what is there at its moment.
func (db *DB) AttachedDir() string { return db.fs.PathJoin(db.dir, attachedDir) }

// Attachable gives a *FullError while the disk is too full for such files. Points are
// stored for longer, see Writable.
func (db *DB) Attachable() error { return db.space.check(attachedReserve) }

// RemoveAttached removes such a file, which no record names any more: not before a
// backup that has such a record has a link to it.
func (db *DB) RemoveAttached(path string) error {
	db.attached.Lock()
	defer db.attached.Unlock()
	return db.fs.Remove(path)
}

// stageAll links what makes up the data directory now into another one, with attached
// files. There may be many: points are committed again meanwhile.
func (db *DB) stageAll(dir string) error {
	db.attached.RLock()
	defer db.attached.RUnlock()
	if err := db.stage(dir); err != nil {
		return err
	}
	return linkTree(db.fs, db.AttachedDir(), db.fs.PathJoin(dir, attachedDir))
}
