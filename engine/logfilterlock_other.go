//go:build !linux

package engine

import "github.com/rockbridge-db/rockbridge/dberr"

// databaseLock is for Linux only: elsewhere nobody else can be kept out.
type databaseLock struct{}

func lockDatabase(string) (databaseLock, error) {
	return databaseLock{}, dberr.New("", dberr.Unsupported, "LogFilter is for Linux only")
}

func (databaseLock) unlock() {}
