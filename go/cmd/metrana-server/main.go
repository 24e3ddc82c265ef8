// Command metrana-server is the Metrana server. The Python command `metrana`
// runs it; it can be run by itself just as well.
package main

import (
	"fmt"
	"os"
)

// version is set by the build.
var version = "dev"

const usage = `metrana-server: stores and shows what training runs log

usage:
  metrana-server serve [--data-dir DIR] [--listen HOST:PORT] [--retain 90d] [--renderings-quota 10GB] [--verbose]
                       [--insecure-allow-any-key]
      serve loggers and the dashboard until SIGTERM or Ctrl-C
  metrana-server stat [--settle] [--data-dir DIR]
      count what a data directory holds that no server is using, as JSON; only --settle writes to it
  metrana-server check [--data-dir DIR | DIR]
      read all of a data directory that no server is using and say what is wrong with it; exits 1 when something is
  metrana-server archive | unarchive WORKSPACE/PROJECT[/RUN] [--data-dir DIR]
      put runs aside, or take them back: their sys/archived says so
  metrana-server delete WORKSPACE/PROJECT[/RUN] [--yes] [--data-dir DIR]
      delete a run, or a project with its runs, and give the space back
  metrana-server retain --older-than 90d [--project WORKSPACE/PROJECT] [--dry-run] [--data-dir DIR]
      delete runs that ended so long ago
  metrana-server backup NEW-DIRECTORY [--data-dir DIR]
      copy a data directory as of one moment
  metrana-server restore BACKUP NEW-DIRECTORY
      make a data directory of a backup, and read it whole
      (these but restore go through the server that uses the directory, if there is one)
  metrana-server version
  metrana-server help
`

// A command returns the exit code.
var commands = map[string]func(args []string) int{
	"serve": serve,
	"stat":  stat,
	"check": check,

	"archive":   setArchived("archive", true),
	"unarchive": setArchived("unarchive", false),
	"delete":    deleteCommand,
	"retain":    retain,
	"backup":    backup,
	"restore":   restore,

	"version": func([]string) int {
		fmt.Println(version)
		return 0
	},
	"help": func([]string) int {
		fmt.Print(usage)
		return 0
	},
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	name := os.Args[1]
	if name == "--help" || name == "-h" {
		name = "help"
	}
	command, known := commands[name]
	if !known {
		fmt.Fprintf(os.Stderr, "metrana-server: unknown command %q\n\n%s", name, usage)
		os.Exit(2)
	}
	os.Exit(command(os.Args[2:]))
}

// fail prints what went wrong; it returns the exit code of a failed command.
func fail(err error) int {
	fmt.Fprintf(os.Stderr, "metrana-server: %v\n", err)
	return 1
}
