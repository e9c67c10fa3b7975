package iterator_test

import (
	"errors"
	"math/rand/v2"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// indexedStore changes an indexed batch, whose records now and then go into the database below it.
// Some changes are made and rolled back.
type indexedStore struct {
	engineStore
	b *engine.IndexedBatch
	r *rand.Rand
}

func newIndexedStore(db *engine.DB, r *rand.Rand) (store, error) {
	b, err := db.NewIndexedBatch()
	return &indexedStore{engineStore{db, false}, b, r}, err
}

// after follows a change.
func (s *indexedStore) after(err error) error {
	if err != nil {
		return err
	}
	switch s.r.IntN(30) {
	case 0:
		err = s.b.Commit(noWAL)
		s.b.Reset()
	case 1:
		err = errors.Join(s.b.SetSavepoint(), s.b.DeleteRange(nil, []byte{0xff}), s.b.Put([]byte("x"), nil))
		if oneIn(s.r, 2) {
			_, err = s.b.Has([]byte("x"), nil) // takes them into the index
		}
		err = errors.Join(err, s.b.RollbackToSavepoint())
	}
	return err
}

func (s *indexedStore) put(key, value []byte) error { return s.after(s.b.Put(key, value)) }

func (s *indexedStore) delete(key []byte) error { return s.after(s.b.Delete(key)) }

func (s *indexedStore) deleteRange(start, end []byte) error {
	return s.after(s.b.DeleteRange(start, end))
}

func (s *indexedStore) open(o *engine.IterOptions) (*iterator.Iterator, func() []walker, func(), error) {
	it, err := s.b.NewIter(o)
	return it, func() []walker { return nil }, func() {}, err
}

func (s *indexedStore) close() error { return errors.Join(s.b.Close(), s.engineStore.close()) }

// overBatch puts an indexed batch over the database at times: which of the two holds a row must make
// no difference to an iterator.
func (d *data) overBatch() error {
	s, ok := d.store.(*engineStore)
	if !ok || !oneIn(d.r, 2) {
		return nil
	}
	over, err := newIndexedStore(s.db, d.r)
	d.store, d.frozen = over, false
	return err
}
