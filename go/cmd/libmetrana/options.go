package main

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/metrana/metrana/go/client"
)

// settings are the options as Python sends them, under the names of init().
type settings struct {
	URL             string  `json:"ingestion_url"`
	APIKey          string  `json:"api_key"`
	Workspace       string  `json:"workspace_name"`
	Project         string  `json:"project_name"`
	Run             string  `json:"run_name"`
	Experiment      *string `json:"experiment_name"`
	CreateProject   bool    `json:"create_project_if_missing"`
	ForkFromRun     *string `json:"fork_from_run"`
	ForkAtStep      *uint64 `json:"fork_at_step"`
	OrchestrationID string  `json:"orchestration_id"`
	LoggerID        uint64  `json:"logger_id"`
	ClosesRun       bool    `json:"closes_run"`
	Resume          string  `json:"resume_strategy"`
	Backpressure    string  `json:"backpressure_strategy"`
	Compression     string  `json:"compression"`
	Errors          string  `json:"error_strategy"`
	QueueCapacity   int     `json:"queue_capacity"`
	EnqueueTimeout  seconds `json:"enqueue_timeout_secs"`
	InitTimeout     seconds `json:"init_timeout_secs"`
	ConnectTimeout  seconds `json:"connect_timeout_secs"`
	MaxPending      int     `json:"max_pending_requests"`
	MaxRetries      *int    `json:"max_send_retries"`
	InitialBackoff  seconds `json:"send_retry_initial_backoff_secs"`
	MaxBackoff      seconds `json:"send_retry_max_backoff_secs"`
	BatchMaxAge     seconds `json:"batch_max_age_secs"`
	MaxMessageSize  int     `json:"max_msg_size"`

	Config []attribute `json:"config"`
}

type seconds float64

func (s seconds) duration() time.Duration {
	if nanos := float64(s) * float64(time.Second); nanos < math.MaxInt64/4 {
		return time.Duration(nanos)
	}
	return math.MaxInt64 / 4
}

var (
	resumes       = map[string]bool{"never": false, "allow": true}
	backpressures = map[string]client.Backpressure{
		"drop_new": client.DropNew, "block": client.Block, "raise": client.Raise,
	}
	compressions    = map[string]bool{"none": false, "zstd": true}
	errorStrategies = map[string]client.ErrorStrategy{
		"warn": client.Warn, "silent": client.Silent,
		"raise_on_log": client.RaiseOnLog, "raise_on_close": client.RaiseOnClose,
	}
)

// parseOptions reads the JSON that mt_open gets.
func parseOptions(text []byte) (client.Options, error) {
	var s settings
	if err := json.Unmarshal(text, &s); err != nil {
		return client.Options{}, &client.ValidationError{Text: fmt.Sprintf("the options cannot be read: %v", err)}
	}
	o := client.Options{
		Copy: copyBlock,
		URL:  s.URL, APIKey: s.APIKey, UserAgent: "metrana/" + version,
		Workspace: s.Workspace, Project: s.Project, Run: s.Run, CreateProject: s.CreateProject,
		OrchestrationID: s.OrchestrationID, LoggerID: s.LoggerID, LeavesOpen: !s.ClosesRun,
		QueueCapacity: s.QueueCapacity, EnqueueTimeout: s.EnqueueTimeout.duration(),
		InitTimeout: s.InitTimeout.duration(), ConnectTimeout: s.ConnectTimeout.duration(),
		MaxPendingRequests: s.MaxPending, MaxSendRetries: -1,
		InitialBackoff: s.InitialBackoff.duration(), MaxBackoff: s.MaxBackoff.duration(),
		BatchMaxAge: s.BatchMaxAge.duration(), MaxMessageSize: s.MaxMessageSize,
	}
	for i := range s.Config {
		o.Config = append(o.Config, s.Config[i].Attribute)
	}
	if s.Experiment != nil {
		o.Experiment = *s.Experiment
	}
	if s.ForkFromRun != nil && s.ForkAtStep != nil {
		o.Fork = &client.Fork{Parent: *s.ForkFromRun, Step: *s.ForkAtStep}
	}
	if s.MaxRetries != nil {
		o.MaxSendRetries = *s.MaxRetries
	}
	return o, s.choices(&o)
}

func (s *settings) choices(o *client.Options) error {
	var known [4]bool
	o.Resume, known[0] = resumes[s.Resume]
	o.Backpressure, known[1] = backpressures[s.Backpressure]
	o.Zstd, known[2] = compressions[s.Compression]
	o.Errors, known[3] = errorStrategies[s.Errors]
	for i, text := range []string{s.Resume, s.Backpressure, s.Compression, s.Errors} {
		if !known[i] {
			return &client.ValidationError{Text: fmt.Sprintf("%q is not one of the choices", text)}
		}
	}
	return nil
}
