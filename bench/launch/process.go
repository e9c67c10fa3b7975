package launch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/program"
)

// Process is a peer's program at work. It answers one request after the other and uses no processor in between. It is
// not safe for concurrent use.
type Process struct {
	name   string
	cmd    *exec.Cmd
	end    context.CancelFunc
	in     io.WriteCloser
	out    *bufio.Reader
	stderr strings.Builder
}

// Start starts a peer's program for a kind of benchmark.
func (p Programs) Start(ctx context.Context, peer, kind string) (*Process, error) {
	ctx, end := context.WithCancel(ctx)
	words := append(slices.Clone(p.Wrap), p.Path(peer), kind)
	proc := &Process{name: peer, cmd: exec.CommandContext(ctx, words[0], words[1:]...), end: end}
	proc.cmd.Env = append(os.Environ(), "LC_ALL=C")
	proc.cmd.WaitDelay = 10 * time.Second
	proc.cmd.Stderr = &proc.stderr
	in, err := proc.cmd.StdinPipe()
	if err != nil {
		end()
		return nil, err
	}
	out, err := proc.cmd.StdoutPipe()
	if err != nil {
		end()
		return nil, err
	}
	proc.in, proc.out = in, bufio.NewReader(out)
	if err := proc.cmd.Start(); err != nil {
		end()
		return nil, err
	}
	return proc, nil
}

// Call has the program answer one request. After the limit the process is ended.
func (p *Process) Call(limit time.Duration, request, answer any) error {
	line, err := encode(request)
	if err != nil {
		return err
	}
	timer := time.AfterFunc(limit, p.end)
	defer timer.Stop()
	_, writeErr := p.in.Write(line)
	text, err := p.out.ReadBytes('\n')
	if err := errors.Join(writeErr, err); err != nil {
		waitErr := p.Close() // stderr is whole after that
		return fmt.Errorf("%s, within %v: %w; its output: %q %s", p.name, limit, errors.Join(waitErr, err), text, p.stderr.String())
	}
	var reply program.Reply
	if err := json.Unmarshal(text, &reply); err != nil {
		return fmt.Errorf("%s: %w in %q", p.name, err, text)
	}
	if reply.Error != "" {
		return fmt.Errorf("%s: %s", p.name, reply.Error)
	}
	return json.Unmarshal(reply.Answer, answer)
}

// Close lets the program end, and waits for it. What made a request fail is told by Call alone.
func (p *Process) Close() error {
	_ = p.in.Close() // of a process that is gone already
	err := p.cmd.Wait()
	p.end()
	return err
}
