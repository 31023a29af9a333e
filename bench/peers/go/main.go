// A peer for evd's benches: Go's net/http in front of SQLite (WAL, synchronous=FULL).
//
// The work: check the key, parse the callback, unpack the EV frame, drop a repeat, keep the newest -ring statuses of each
// device, answer 201 only after the commit. The database is made anew; with -fill so many devices have full rings before
// it listens.
package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"flag"
	"io"
	"log"
	"net/http"
	"runtime/debug"
)

const (
	queueMax = 8192
	bodyMax  = 65536
)

type service struct {
	key   [32]byte
	queue chan *job
}

func (s *service) uplink(w http.ResponseWriter, r *http.Request) {
	shown := sha256.Sum256([]byte(r.Header.Get("x-api-key")))
	if subtle.ConstantTimeCompare(shown[:], s.key[:]) != 1 {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyMax))
	if err != nil {
		return
	}
	j := jobs.Get().(*job)
	defer jobs.Put(j)
	if !j.status.read(body) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	select {
	case s.queue <- j:
	default:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if <-j.stored {
		w.WriteHeader(http.StatusCreated)
	} else {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func main() {
	address := flag.String("addr", "127.0.0.1:8201", "listen address")
	path := flag.String("db", "peer-go.db", "database file (removed first)")
	key := flag.String("key", "", "API key")
	ring := flag.Int64("ring", 100, "statuses kept for each device")
	fill := flag.Int("fill", 0, "devices whose rings are full at the start")
	flag.Parse()
	debug.SetGCPercent(400) // little of the heap lives longer than a request
	w := newWriter(*path, *ring)
	w.fill(*fill)
	s := &service{sha256.Sum256([]byte(*key)), make(chan *job, queueMax)}
	go w.run(s.queue)
	http.HandleFunc("/sigfox/uplink", s.uplink)
	log.Fatal(http.ListenAndServe(*address, nil))
}
