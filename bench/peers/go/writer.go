package main

import (
	"fmt"
	"log"
	"os"
	"sync"

	"github.com/mattn/go-sqlite3"
)

const (
	groupMax  = 2048
	pageBytes = 2048
)

// A job is a status on its way to the disk; they are used again, with their channels and buffers.
type job struct {
	status status
	stored chan bool
}

var jobs = sync.Pool{New: func() any { return &job{stored: make(chan bool, 1)} }}

// One goroutine writes all that waits in one transaction and answers after its commit. It uses the driver itself, for
// database/sql would lock and copy for each row.
type writer struct {
	db     *sqlite3.SQLiteConn
	rings  *rings
	copies *checkpoints
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func open(path string) *sqlite3.SQLiteConn {
	db, err := (&sqlite3.SQLiteDriver{}).Open("file:" + path)
	must(err)
	conn := db.(*sqlite3.SQLiteConn)
	_, err = conn.Exec(fmt.Sprintf("pragma page_size=%d; pragma journal_mode=wal; pragma synchronous=full; "+
		"pragma wal_autocheckpoint=0; pragma mmap_size=17179869184; pragma cache_size=-16384", pageBytes), nil)
	must(err)
	return conn
}

func newWriter(path string, ring int64) *writer {
	for _, end := range []string{"", "-wal", "-shm"} {
		os.Remove(path + end)
	}
	db := open(path)
	_, err := db.Exec(table, nil)
	must(err)
	return &writer{db, newRings(db, ring), startCheckpoints(path)}
}

// fill writes the rings of the first devices of a load, which speak in turn.
func (w *writer) fill(devices int) {
	raw := [12]byte{0x13, 0x0a, 0x4c, 0x0f, 0x59, 0x4e, 0x42, 0x7e, 0x4b, 0xb4, 0x50, 0x88}
	for turn := int64(0); devices > 0 && turn < w.rings.ring; turn++ {
		for first := 0; first < devices; first += 20_000 {
			var group []*job
			for number := first; number < devices && number < first+20_000; number++ {
				s := status{device: int64(0x100000 + number), time: 1_500_000_000 + turn*600, seq: turn % 4096, raw: raw}
				s.write(fmt.Sprintf("%X", s.device))
				group = append(group, &job{status: s})
			}
			must(w.write(group))
			w.copies.committed(w.db, len(group))
		}
	}
}

func (w *writer) run(queue chan *job) {
	group := make([]*job, 0, groupMax)
	for first := range queue {
		group = append(group[:0], first)
	more:
		for len(group) < groupMax {
			select {
			case j := <-queue:
				group = append(group, j)
			default:
				break more
			}
		}
		err := w.write(group)
		if err != nil {
			w.rings.forget()
		}
		for _, j := range group {
			j.stored <- err == nil
		}
		w.copies.committed(w.db, len(group))
	}
}

func (w *writer) write(group []*job) error {
	if _, err := w.db.Exec("begin immediate", nil); err != nil {
		return err
	}
	for _, j := range group {
		if err := w.rings.take(&j.status); err != nil {
			w.db.Exec("rollback", nil)
			return err
		}
	}
	_, err := w.db.Exec("commit", nil)
	if err != nil {
		w.db.Exec("rollback", nil)
	}
	return err
}
