package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/launch"
	"github.com/rockbridge-db/rockbridge/bench/works"
)

// limit is what one request may take before its process is ended.
const limit = 15 * time.Minute

// Measured is one turn of one way, and what it gave.
type Measured struct {
	Setting string
	Work    string
	Way     Way
	Round   int
	Units   int64 // of the work's unit
	works.Result
}

// Run is all that a report is written from.
type Run struct {
	Plan     Plan
	Machine  launch.Machine
	Go       string
	Versions map[string]string // by peer
	Library  launch.Library
	Differ   []string // lines in which the OPTIONS files of those on RocksDB differ
	Loads    [2]string
	Measured []Measured
	Disk     map[string]map[string]int64 // bytes of the lasting database, by setting and peer
	Took     time.Duration
	Date     time.Time
}

// turns has the peers' processes at work.
type turns struct {
	run      *Run
	programs launch.Programs
	dir      string
	random   *rand.Rand
	progress io.Writer
	procs    map[string]*launch.Process
	setting  Setting
}

// Measure does a plan in a folder that is there already. tracer is the program that draws YCSB's operations. It writes
// what it does to progress.
func Measure(ctx context.Context, plan Plan, programs launch.Programs, tracer, dir string, progress io.Writer) (*Run, error) {
	dir, err := os.MkdirTemp(dir, "peers")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left of it harms nobody
	r := &Run{
		Plan: plan, Machine: launch.DescribeMachine(dir), Loads: [2]string{launch.Load()}, Date: time.Now(),
		Go: runtime.Version(), Versions: map[string]string{}, Disk: map[string]map[string]int64{},
	}
	if r.Library, err = oneLibrary(plan.Peers, programs); err != nil {
		return nil, err
	}
	for _, s := range plan.Settings {
		t := turns{run: r, programs: programs, dir: dir, random: rand.New(rand.NewPCG(plan.Seed, 1)), progress: progress, setting: s}
		if err := t.all(ctx, tracer); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	r.Loads[1] = launch.Load()
	r.Took = time.Since(r.Date)
	return r, r.agree()
}

func (t *turns) say(format string, a ...any) {
	fmt.Fprintf(t.progress, "%6v  %s: %s\n", time.Since(t.run.Date).Round(time.Second), t.setting.Name, fmt.Sprintf(format, a...))
}

// all does a setting, from the start of the processes to their end.
func (t *turns) all(ctx context.Context, tracer string) (err error) {
	t.procs = map[string]*launch.Process{}
	defer func() {
		for _, p := range t.procs {
			err = errors.Join(err, p.Close())
		}
	}()
	for _, peer := range t.run.Plan.Peers {
		if t.procs[peer], err = t.programs.Start(ctx, peer, "works"); err != nil {
			delete(t.procs, peer)
			return err
		}
	}
	stages := t.run.Plan.Stages(t.setting)
	if err := t.draw(ctx, tracer, stages); err != nil {
		return err
	}
	for _, stage := range stages {
		if stage.Lasting {
			if err := t.lasting(stage); err != nil {
				return err
			}
		}
	}
	for round := range t.run.Plan.Rounds {
		t.say("round %d of %d", round+1, t.run.Plan.Rounds)
		for _, stage := range stages {
			if err := t.round(stage, round); err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
		}
	}
	return t.close(stages)
}

// draw has the operations of YCSB's workloads drawn that the stages need.
func (t *turns) draw(ctx context.Context, tracer string, stages []Stage) error {
	for _, stage := range stages {
		for _, d := range stage.Works {
			if d.Trace == "" {
				continue
			}
			cmd := exec.CommandContext(ctx, tracer, d.Trace, trace(t.dir, d.Trace), strconv.Itoa(t.setting.filled(stage)), strconv.Itoa(t.setting.scaled(d.Ops, 1)))
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("drawing YCSB %s: %w: %s", d.Trace, err, out)
			}
		}
	}
	return nil
}

// call has a peer answer a request.
func (t *turns) call(peer string, r works.Request) (res works.Result, err error) {
	err = t.procs[peer].Call(limit, r, &res)
	return res, err
}

// open makes a peer's database for a stage.
func (t *turns) open(stage Stage, peer string) error {
	dir := filepath.Join(t.dir, peer+" "+stage.Name)
	res, err := t.call(peer, works.Request{Do: "open", Slot: stage.Name, Config: t.run.Plan.config(t.setting, peer, dir)})
	if err != nil {
		return err
	}
	t.run.Versions[peer] = res.Version
	if stage.Fill == "" {
		return nil
	}
	res, err = t.call(peer, works.Request{Do: "fill", Slot: stage.Name, Task: t.run.Plan.fill(t.setting, stage, t.dir)})
	if err == nil && stage.Lasting {
		if t.run.Disk[t.setting.Name] == nil {
			t.run.Disk[t.setting.Name] = map[string]int64{}
		}
		t.run.Disk[t.setting.Name][peer] = res.DiskBytes
	}
	return err
}

// lasting makes the databases of a stage that has them for all rounds.
func (t *turns) lasting(stage Stage) error {
	for _, peer := range t.run.Plan.Peers {
		t.say("%s is loaded, compacted and warmed for %s", peer, stage.Name)
		if err := t.open(stage, peer); err != nil {
			return err
		}
	}
	if err := t.run.oneVersion(); err != nil {
		return err
	}
	if len(t.run.Differ) == 0 {
		var err error
		t.run.Differ, err = optionsDiffer(t.run.Plan.Peers, func(peer string) string { return filepath.Join(t.dir, peer+" "+stage.Name) })
		return err
	}
	return nil
}

// turn is one way of one work.
type turn struct {
	def Def
	way Way
}

// round does a stage once.
func (t *turns) round(stage Stage, round int) error {
	if stage.Lasting {
		for _, d := range stage.Works {
			var all []turn
			for _, w := range t.run.Plan.ways(d, "") {
				all = append(all, turn{d, w})
			}
			t.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			if err := t.do(stage, round, all); err != nil {
				return err
			}
		}
		return nil
	}
	for _, at := range t.random.Perm(len(t.run.Plan.Peers)) {
		peer := t.run.Plan.Peers[at]
		var all []turn
		for _, d := range stage.Works {
			for _, w := range t.run.Plan.ways(d, peer) {
				all = append(all, turn{d, w})
			}
		}
		if len(all) == 0 {
			continue
		}
		if err := t.open(stage, peer); err != nil {
			return err
		}
		if err := t.do(stage, round, all); err != nil {
			return err
		}
		if _, err := t.call(peer, works.Request{Do: "close", Slot: stage.Name}); err != nil {
			return err
		}
	}
	return nil
}

func (t *turns) do(stage Stage, round int, all []turn) error {
	for _, one := range all {
		task := t.run.Plan.task(t.setting, stage, one.def, one.way, round, t.dir)
		res, err := t.call(one.way.Peer, works.Request{Do: "run", Slot: stage.Name, Task: task})
		if err != nil {
			return fmt.Errorf("%s: %w", one.def.Name, err)
		}
		units := int64(task.Ops)
		if one.def.Rows {
			units = res.Sum.Rows
		}
		t.run.Measured = append(t.run.Measured, Measured{t.setting.Name, one.def.Name, one.way, round, units, res})
	}
	return nil
}

func (t *turns) close(stages []Stage) error {
	for _, stage := range stages {
		if !stage.Lasting {
			continue
		}
		for _, peer := range t.run.Plan.Peers {
			if _, err := t.call(peer, works.Request{Do: "close", Slot: stage.Name}); err != nil {
				return err
			}
		}
	}
	return nil
}

// agree checks that all peers saw the same rows at each work of each round. What a way has not looked at is 0.
func (r *Run) agree() error {
	type key struct {
		setting, work string
		round         int
	}
	first := map[key]Measured{}
	var bad []string
	for _, m := range r.Measured {
		k := key{m.Setting, m.Work, m.Round}
		f, ok := first[k]
		if !ok {
			first[k] = m
			continue
		}
		if !same(f.Sum, m.Sum) {
			bad = append(bad, fmt.Sprintf("%s: %s %s saw %+v, %s %s %+v", m.Work, f.Way.Peer, f.Way.Way, f.Sum, m.Way.Peer, m.Way.Way, m.Sum))
		}
		if f.Sum.Check == 0 {
			first[k] = m
		}
	}
	if len(bad) > 0 {
		return errors.New("not all did the same work:\n" + strings.Join(bad, "\n"))
	}
	return nil
}

func same(a, b works.Sum) bool {
	return a.Rows == b.Rows && (a.Bytes == b.Bytes || a.Bytes == 0 || b.Bytes == 0) && (a.Check == b.Check || a.Check == 0 || b.Check == 0)
}
