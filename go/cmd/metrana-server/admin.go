package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/admin"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/renderings"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/admin"
	"github.com/metrana/metrana/go/wire/pb/admin/adminconnect"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// operate runs an operation on a data directory: through the server that has it
// open, or by itself when there is none.
func operate(dataDir string, operation func(ctx context.Context, to adminconnect.AdminServiceClient) error) int {
	dir, err := resolveDataDir(dataDir)
	if err != nil {
		return fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	db, err := store.Open(dir, store.Options{Existing: true, Logger: slog.New(slog.DiscardHandler)})
	var locked *store.LockedError
	if errors.As(err, &locked) {
		_, url, isServer := strings.Cut(locked.Owner, ", ")
		if !isServer {
			return fail(err)
		}
		if err := operation(ctx, adminconnect.NewAdminServiceClient(http.DefaultClient, strings.TrimSpace(url))); err != nil {
			return fail(fmt.Errorf("the server at %s: %w", url, err))
		}
		return 0
	}
	if err != nil {
		return fail(err)
	}
	if err = errors.Join(operateOn(ctx, db, operation), db.Close()); err != nil {
		return fail(err)
	}
	return 0
}

func operateOn(ctx context.Context, db *store.DB, operation func(ctx context.Context, to adminconnect.AdminServiceClient) error) error {
	index, err := catalog.Open(db)
	if err != nil {
		return err
	}
	videos, err := renderings.Open(db, index, renderings.Options{})
	if err != nil {
		return err
	}
	return operation(ctx, admin.New(db, index, videos, slog.New(slog.DiscardHandler)))
}

// parse reads flags wherever they stand among n arguments.
func parse(flags *flag.FlagSet, args []string, names ...string) ([]string, int) {
	var found []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, exitOf(err)
		}
		if flags.NArg() == 0 {
			break
		}
		found, args = append(found, flags.Arg(0)), flags.Args()[1:]
	}
	if len(found) != len(names) {
		return nil, fail(fmt.Errorf("%s: wanted %s, got %q", flags.Name(), strings.Join(names, " "), found))
	}
	return found, -1
}

func parseTarget(path string) (*pb.Target, error) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) != 2 && len(parts) != 3 || strings.Contains(path, "//") {
		return nil, fmt.Errorf("%q is neither WORKSPACE/PROJECT nor WORKSPACE/PROJECT/RUN", path)
	}
	t := &pb.Target{Workspace: parts[0], Project: parts[1]}
	if len(parts) == 3 {
		t.Run = &parts[2]
	}
	return t, nil
}

// targetOf reads the flags of a command and what it is to be done to.
func targetOf(flags *flag.FlagSet, args []string) (path string, target *pb.Target, code int) {
	found, code := parse(flags, args, "WORKSPACE/PROJECT[/RUN]")
	if code >= 0 {
		return "", nil, code
	}
	target, err := parseTarget(found[0])
	if err != nil {
		return "", nil, fail(err)
	}
	return found[0], target, code
}

func setArchived(name string, archived bool) func(args []string) int {
	return func(args []string) int {
		flags := flag.NewFlagSet(name, flag.ContinueOnError)
		dataDir := flags.String("data-dir", "", "the data directory")
		path, target, code := targetOf(flags, args)
		if code >= 0 {
			return code
		}
		return operate(*dataDir, func(ctx context.Context, to adminconnect.AdminServiceClient) error {
			answer, err := to.SetArchived(ctx, connect.NewRequest(&pb.SetArchivedRequest{Target: target, Archived: archived}))
			if err == nil {
				fmt.Printf("%sd %s (%s)\n", name, path, countRuns(answer.Msg.GetRuns()))
			}
			return err
		})
	}
}

func countRuns(n int64) string {
	if n == 1 {
		return "1 run"
	}
	return strconv.FormatInt(n, 10) + " runs"
}

func deleteCommand(args []string) int {
	flags := flag.NewFlagSet("delete", flag.ContinueOnError)
	dataDir := flags.String("data-dir", "", "the data directory")
	yes := flags.Bool("yes", false, "do not ask")
	path, target, code := targetOf(flags, args)
	if code >= 0 {
		return code
	}
	what := "the run " + path
	if target.Run == nil {
		what = "the project " + path + " with all of its runs"
	}
	if !*yes && !confirmed("Delete "+what+" for ever?") {
		return fail(errors.New("nothing was deleted; --yes does it without asking"))
	}
	return operate(*dataDir, func(ctx context.Context, to adminconnect.AdminServiceClient) error {
		answer, err := to.Delete(ctx, connect.NewRequest(&pb.DeleteRequest{Target: target}))
		if err == nil {
			fmt.Printf("deleted %s (%s)\n", path, countRuns(answer.Msg.GetRuns()))
		}
		return err
	})
}

// confirmed asks on the terminal; what is not answered with yes is no.
func confirmed(question string) bool {
	fmt.Fprintf(os.Stderr, "%s [y/N] ", question)
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		fmt.Fprintln(os.Stderr)
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}

func retain(args []string) int {
	flags := flag.NewFlagSet("retain", flag.ContinueOnError)
	dataDir := flags.String("data-dir", "", "the data directory")
	var longest age
	flags.Var(&longest, "older-than", "how long ago they ended, as 90d or 36h")
	project := flags.String("project", "", "only of WORKSPACE/PROJECT")
	dry := flags.Bool("dry-run", false, "only say which runs they are")
	if _, code := parse(flags, args); code >= 0 {
		return code
	}
	if longest == 0 {
		return fail(errors.New("retain: say --older-than, as in --older-than 90d"))
	}
	request := &pb.RetainRequest{EndedBefore: timestamppb.New(time.Now().Add(-time.Duration(longest))), DryRun: *dry}
	if *project != "" {
		target, err := parseTarget(*project)
		if err != nil || target.Run != nil {
			return fail(fmt.Errorf("--project %q is not WORKSPACE/PROJECT", *project))
		}
		request.Workspace, request.Project = &target.Workspace, &target.Project
	}
	return operate(*dataDir, func(ctx context.Context, to adminconnect.AdminServiceClient) error {
		answer, err := to.Retain(ctx, connect.NewRequest(request))
		if err != nil {
			return err
		}
		verb := "deleted"
		if *dry {
			verb = "would delete"
		}
		for _, run := range answer.Msg.GetRuns() {
			fmt.Printf("%s %s/%s/%s\n", verb, run.GetWorkspace(), run.GetProject(), run.GetRun())
		}
		fmt.Printf("%s %s\n", verb, countRuns(int64(len(answer.Msg.GetRuns()))))
		return nil
	})
}

// age is a duration that may be in days.
type age time.Duration

func (a *age) String() string { return time.Duration(*a).String() }

func (a *age) Set(text string) error {
	if days, inDays := strings.CutSuffix(text, "d"); inDays {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || !(n > 0 && n < 100_000) {
			return fmt.Errorf("%q is not a number of days above 0", text)
		}
		*a = age(n * 24 * float64(time.Hour))
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is neither days, as in 90d, nor a duration, as in 36h", text)
	}
	*a = age(d)
	return nil
}

func backup(args []string) int {
	flags := flag.NewFlagSet("backup", flag.ContinueOnError)
	dataDir := flags.String("data-dir", "", "the data directory")
	found, code := parse(flags, args, "NEW-DIRECTORY")
	if code >= 0 {
		return code
	}
	to, err := filepath.Abs(found[0])
	if err != nil {
		return fail(err)
	}
	return operate(*dataDir, func(ctx context.Context, service adminconnect.AdminServiceClient) error {
		_, err := service.Backup(ctx, connect.NewRequest(&pb.BackupRequest{Directory: to}))
		if err == nil {
			fmt.Printf("backed up to %s\n", to)
		}
		return err
	})
}

func restore(args []string) int {
	flags := flag.NewFlagSet("restore", flag.ContinueOnError)
	found, code := parse(flags, args, "BACKUP", "NEW-DIRECTORY")
	if code >= 0 {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	stats, err := store.Restore(ctx, found[0], found[1], store.Options{Logger: slog.New(slog.DiscardHandler)}, func(fault error) {
		fmt.Fprintf(os.Stderr, "fault: %v\n", fault)
	}, func(ctx context.Context, db *store.DB, report func(fault error)) error {
		_, err := checkCatalog(ctx, db, report)
		return err
	})
	if err != nil {
		return fail(err)
	}
	fmt.Printf("restored to %s: %s, %d points\n", found[1], countRuns(int64(stats.Runs)), stats.Points)
	return 0
}
