package main

import (
	"fmt"
	"net"
	"os"
)

// notify tells the service manager that started this process what it does, as sd_notify of systemd would: one datagram to the
// socket that NOTIFY_SOCKET names. Without the variable nobody waits for it.
func notify(state string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	// A name that begins with "@" is abstract for package net as it is for systemd.
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(state)); err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	return nil
}
