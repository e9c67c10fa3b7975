package engine

import "time"

// SetCloseTimeout changes how long d's Close waits for calls in flight. Not while Close runs.
func SetCloseTimeout(d *DB, timeout time.Duration) { d.timeout = timeout }
