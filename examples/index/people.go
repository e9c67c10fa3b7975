package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Person is a record. ID is its key; City is indexed and holds no zero byte.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	City string `json:"city"`
}

// People is a set of records with an index on one of their fields. It is safe
// for use by several goroutines; one process at a time can open it.
//
// The records are in the default family, by ID. The index is a second family
// with a key of city, a zero byte, and ID, and no value. Each change writes both
// in one batch: no crash can leave a record without its entry, or an entry
// without its record.
type People struct {
	db     *engine.DB
	byCity *engine.ColumnFamily

	// mu makes changes take turns: each reads the old record to know which entry
	// of the index to delete.
	mu sync.Mutex
}

// ErrNoPerson is the error of an ID that is not there.
var ErrNoPerson = errors.New("people: no such person")

// Open opens the set in dir, which is made if it does not exist.
func Open(dir string) (*People, error) {
	db, err := engine.Open(dir, &engine.Options{Families: map[string]engine.FamilyOptions{"by city": {}}})
	if err != nil {
		return nil, err
	}
	byCity, err := db.ColumnFamily("by city")
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &People{db: db, byCity: byCity}, nil
}

// Close closes the set; the records stay on disk.
func (p *People) Close() error { return p.db.Close() }

// Put adds a person, or replaces the one of the same ID.
func (p *People) Put(person Person) error {
	if strings.Contains(person.City, "\x00") {
		return fmt.Errorf("people: the city %q holds a zero byte", person.City)
	}
	record, err := json.Marshal(person)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.db.NewBatch()
	if _, err := p.removeFrom(b, person.ID); err != nil {
		return err
	}
	// A Put that is refused makes Write fail: it need not be looked at here.
	b.Put([]byte(person.ID), record)
	b.In(p.byCity).Put(entry(person.City, person.ID), nil)
	return p.db.Write(b, nil)
}

// Delete removes a person; ErrNoPerson if there is none of that ID.
func (p *People) Delete(id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.db.NewBatch()
	found, err := p.removeFrom(b, id)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%w: %q", ErrNoPerson, id)
	}
	return p.db.Write(b, nil)
}

// removeFrom puts into b the deletion of a record, if there is one, and of its
// entry in the index.
func (p *People) removeFrom(b *engine.Batch, id string) (found bool, err error) {
	old, err := get(p.db, []byte(id))
	if errors.Is(err, ErrNoPerson) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, errors.Join(b.Delete([]byte(id)), b.In(p.byCity).Delete(entry(old.City, id)))
}

// Get gives the person of an ID; ErrNoPerson if there is none.
func (p *People) Get(id string) (Person, error) { return get(p.db, []byte(id)) }

// InCity gives the people of a city in the order of their IDs. It reads index
// and records in one state of the database, whatever is written meanwhile.
func (p *People) InCity(ctx context.Context, city string) (found []Person, err error) {
	err = p.db.View(ctx, func(s *engine.Snapshot) error {
		prefix := entry(city, "")
		rows, done := engine.Scan(s.In(p.byCity), &engine.IterOptions{
			Prefix: prefix, KeysOnly: true, Context: ctx,
		})
		var failed error
		for key := range rows {
			person, err := get(s, bytes.TrimPrefix(key, prefix))
			if err != nil {
				failed = err
				break
			}
			found = append(found, person)
		}
		return errors.Join(failed, done())
	})
	return found, err
}

// get reads a record from the database or from a snapshot of it.
func get(r engine.Reader, id []byte) (person Person, err error) {
	record, err := r.Get(id, nil)
	if errors.Is(err, engine.ErrNotFound) {
		return person, fmt.Errorf("%w: %q", ErrNoPerson, id)
	}
	if err != nil {
		return person, err
	}
	return person, json.Unmarshal(record, &person)
}

// entry is the key of the index for a person.
func entry(city, id string) []byte { return []byte(city + "\x00" + id) }
