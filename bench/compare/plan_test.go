package compare

import (
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/bench/works"
)

func TestEveryWorkHasANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, stage := range Stages {
		for _, d := range stage.Works {
			if seen[d.Name] || d.Title == "" || d.Unit == "" || len(d.Ways) == 0 {
				t.Errorf("%+v", d)
			}
			seen[d.Name] = true
			if !stage.Lasting && len(firstWays(d.Ways)) != len(d.Ways) && d.Work == "put" {
				t.Errorf("%s: a peer writes the same rows twice", d.Name)
			}
		}
	}
}

func TestPlansLeaveOutWhatIsNotAskedFor(t *testing.T) {
	p := Plan{Peers: []string{rockbridge, pebble}, Works: []string{"scan", "ycsb-e"}}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	stages := p.Stages(Core)
	if len(stages) != 2 || stages[0].Works[0].Name != "scan" || len(stages[0].Works) != 1 {
		t.Errorf("%+v", stages)
	}
	for _, w := range p.ways(stages[0].Works[0], "") {
		if w.Peer != rockbridge && w.Peer != pebble {
			t.Errorf("%s takes part", w.name())
		}
	}
	lasting := Core
	lasting.Lasting = true
	if stages := p.Stages(lasting); len(stages) != 1 {
		t.Errorf("only the lasting database is asked for: %+v", stages)
	}
	if len(Stages[0].Works) < 10 {
		t.Error("the table itself was changed")
	}
	for _, bad := range []Plan{{Peers: []string{"leveldb"}}, {Works: []string{"sort"}}} {
		if bad.Check() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

func TestTasksAreScaled(t *testing.T) {
	s := Core
	s.Scale, s.Rows = 0.001, 5000
	p := Plan{Seed: 3}
	for _, stage := range Stages {
		for _, d := range stage.Works {
			task := p.task(s, stage, d, d.Ways[0], 2, "dir")
			group := d.group()
			if task.Seed != 5 || task.KeyBytes != 16 || task.Ops%group != 0 || (d.Ops != 0) != (task.Ops >= group && task.Ops > 0) || task.Ops > max(d.Ops/1000+group, fewestOps) {
				t.Errorf("%s: %+v", d.Name, task)
			}
			if want := map[bool]int{true: 5000, false: 200}[stage.Lasting]; stage.Fill != "" && task.Total != want {
				t.Errorf("%s: %d rows, not %d", d.Name, task.Total, want)
			}
			if (task.Keys == works.Traced) != (task.Trace != "") {
				t.Errorf("%s has the trace %q", d.Name, task.Trace)
			}
		}
	}
}

func TestOnlyThoseOnRocksDBGetItsOptions(t *testing.T) {
	p := Plan{Options: "max_open_files=10"}
	for _, peer := range Peers {
		got := p.config(Core, peer, "dir").Options != ""
		if want := slices.Contains([]string{rockbridge, cloop, grocksdb}, peer); got != want {
			t.Errorf("%s: %v", peer, got)
		}
	}
}

func TestValuesOfEverySettingFit(t *testing.T) {
	for _, s := range Full {
		if s.ValueBytes > works.LongestValue || s.KeyBytes < 16 || s.Rows < 10_000 {
			t.Errorf("%+v", s)
		}
	}
}
