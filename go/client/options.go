package client

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/url"
	"strings"
	"time"
)

// Options say which run is logged to, where, and how hard the engine tries.
type Options struct {
	URL       string // http:// is cleartext HTTP/2, https:// is TLS
	APIKey    string
	UserAgent string

	Workspace       string
	Project         string
	Run             string
	Experiment      string // none when empty
	CreateProject   bool
	Fork            *Fork
	OrchestrationID string
	LoggerID        uint64 // not 0
	Resume          bool   // whether a run of another job may be continued
	LeavesOpen      bool   // closing does not tell the server that the run has ended

	Backpressure  Backpressure
	Zstd          bool
	Errors        ErrorStrategy
	QueueCapacity int // in log calls
	MemoryLimit   int64
	// Copy copies the values of a large call; nil is copy.
	Copy           func(to, from []float64)
	EnqueueTimeout time.Duration

	InitTimeout    time.Duration
	ConnectTimeout time.Duration

	// Config is what the run's creator is going to set with Attributes. It is
	// checked before the run is asked for: to fail later would leave a run
	// behind that nobody describes.
	Config []Attribute

	MaxPendingRequests int
	MaxSendRetries     int // negative: for ever
	InitialBackoff     time.Duration
	MaxBackoff         time.Duration
	BatchMaxAge        time.Duration
	MaxMessageSize     int

	// dial replaces the network, for tests.
	dial func(context.Context, string) (net.Conn, error)
}

// Fork names the run whose points a new run inherits, up to a step inclusive.
type Fork struct {
	Parent string
	Step   uint64
}

// Backpressure says what becomes of a call when the queue stays full.
type Backpressure int

// The strategies for a full queue.
const (
	DropNew Backpressure = iota
	Block
	Raise
)

// ErrorStrategy says how losses surface.
type ErrorStrategy int

// The strategies for losses.
const (
	Warn ErrorStrategy = iota
	Silent
	RaiseOnLog
	RaiseOnClose
)

// DefaultMemoryLimit bounds the values that wait in the queue, so that a
// stalled server cannot eat the machine.
const DefaultMemoryLimit = 1 << 30

func (o *Options) check() error {
	if o.LoggerID == 0 {
		return &InitError{Text: "logger_id must not be 0"}
	}
	for _, c := range o.APIKey {
		if c < ' ' || c == 0x7f {
			return &InitError{Text: "the API key contains a control character"}
		}
	}
	if o.Copy == nil {
		o.Copy = func(to, from []float64) { copy(to, from) }
	}
	if o.MemoryLimit == 0 {
		o.MemoryLimit = DefaultMemoryLimit
	}
	for name, value := range map[string]int{
		"queue_capacity":       o.QueueCapacity,
		"max_pending_requests": o.MaxPendingRequests,
		"max_msg_size":         o.MaxMessageSize,
	} {
		if value < 1 || value > math.MaxInt32 {
			return invalid("%s must be between 1 and %d, not %d", name, math.MaxInt32, value)
		}
	}
	for i := range o.Config {
		if err := checkRunAttribute(&o.Config[i]); err != nil {
			return err
		}
	}
	_, _, err := o.target()
	return err
}

// target returns host:port and whether TLS is spoken. A path is ignored: the
// methods live at the root.
func (o *Options) target() (address string, secure bool, err error) {
	parsed, err := url.Parse(o.URL)
	if err != nil {
		return "", false, &InitError{Text: fmt.Sprintf("ingestion_url %q cannot be parsed: %v", o.URL, err)}
	}
	scheme := strings.ToLower(parsed.Scheme)
	if (scheme != "http" && scheme != "https") || parsed.Hostname() == "" {
		return "", false, &InitError{Text: fmt.Sprintf(
			"ingestion_url %q must look like http://host:port or https://host:port", o.URL)}
	}
	host, port := parsed.Hostname(), parsed.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return host + ":" + port, scheme == "https", nil
}

func (o *Options) path() string {
	return o.Workspace + "/" + o.Project + "/" + o.Run
}
