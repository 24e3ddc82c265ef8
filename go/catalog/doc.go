// Package catalog knows which workspaces, projects and runs there are, and
// their attributes and those of their environments. All of it is in memory and,
// as small records, in the store; what arrives with points is written in the
// same atomic change as they are. go/store/FORMAT.md draws the records.
package catalog
