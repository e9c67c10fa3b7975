package rbdebug

import (
	"fmt"
	"runtime"
	"strings"
)

// stackDepth is how many calls a Stack keeps, the innermost ones.
const stackDepth = 32

// Stack is a place in the program with the calls that led there. The zero Stack is unknown.
type Stack struct{ calls []uintptr }

// Here is the stack of the function that calls it, without the skip innermost calls.
func Here(skip int) Stack {
	calls := make([]uintptr, stackDepth)
	return Stack{calls[:runtime.Callers(skip+2, calls)]}
}

// String has two lines for each call, function and place, the innermost first; empty if it is unknown.
func (s Stack) String() string {
	if len(s.calls) == 0 {
		return ""
	}
	var b strings.Builder
	for frames := runtime.CallersFrames(s.calls); ; {
		f, more := frames.Next()
		fmt.Fprintf(&b, "%s\n\t%s:%d", f.Function, f.File, f.Line)
		if !more {
			return b.String()
		}
		b.WriteByte('\n')
	}
}
