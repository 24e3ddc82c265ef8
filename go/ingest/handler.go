package ingest

import (
	"math"
	"net/http"

	"connectrpc.com/connect"

	"github.com/metrana/metrana/go/wire/pb/ingestion/ingestionconnect"
)

// NewHandler serves the service for gRPC, gRPC-Web and Connect below the path
// that it returns.
func NewHandler(s *Service, options ...connect.HandlerOption) (path string, _ http.Handler) {
	options = append(options[:len(options):len(options)], connect.WithCodec(codec{}), connect.WithCompressMinBytes(math.MaxInt))
	path, all := ingestionconnect.NewIngestServiceHandler(s, options...)
	updates := connect.NewBidiStreamHandler(ingestionconnect.IngestServiceUpdateRunStreamProcedure, s.updateRunStream, options...)
	return path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == ingestionconnect.IngestServiceUpdateRunStreamProcedure {
			updates.ServeHTTP(plainAnswers{w}, r)
			return
		}
		all.ServeHTTP(plainAnswers{w}, r)
	})
}

// plainAnswers takes back the announcement of compressed answers, which connect
// makes to whoever sends compressed requests. Answers are small and never
// compressed, and published clients, which send zstd but take none, give up for
// good when they only see it announced.
type plainAnswers struct{ http.ResponseWriter }

func (w plainAnswers) takeBack() { w.Header().Del("Grpc-Encoding") }

func (w plainAnswers) WriteHeader(code int) {
	w.takeBack()
	w.ResponseWriter.WriteHeader(code)
}

func (w plainAnswers) Write(b []byte) (int, error) {
	w.takeBack()
	return w.ResponseWriter.Write(b)
}

// Flush is what connect sends each answer with.
func (w plainAnswers) Flush() {
	w.takeBack()
	w.ResponseWriter.(http.Flusher).Flush() // net/http's always are
}

// Unwrap lets http.ResponseController find what is below.
func (w plainAnswers) Unwrap() http.ResponseWriter { return w.ResponseWriter }
