package prometheus

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/rockbridge-db/rockbridge/engine"
)

func openTemp(t testing.TB) *engine.DB {
	t.Helper()
	db, err := engine.Open(filepath.Join(t.TempDir(), "db"), &engine.Options{Families: map[string]engine.FamilyOptions{"f": {}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// registered is a registry with collectors of two databases and of the process.
func registered(t testing.TB) (*prom.Registry, *engine.DB) {
	t.Helper()
	r, db := prom.NewPedanticRegistry(), openTemp(t)
	for _, c := range []prom.Collector{NewCollector("a", db), NewCollector("b", openTemp(t)), NewProcessCollector()} {
		if err := r.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	return r, db
}

func gather(t testing.TB, r *prom.Registry) map[string]*dto.MetricFamily {
	t.Helper()
	all, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]*dto.MetricFamily{}
	for _, f := range all {
		m[f.GetName()] = f
	}
	return m
}

func TestNamesFollowTheConventions(t *testing.T) {
	r, _ := registered(t)
	problems, err := testutil.GatherAndLint(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for name, f := range gather(t, r) {
		if strings.HasSuffix(name, "_total") != (f.GetType() == dto.MetricType_COUNTER) {
			t.Errorf("%s is a %v", name, f.GetType())
		}
	}
}

// value is that of the sample with all these labels.
func value(t *testing.T, f *dto.MetricFamily, labels ...string) float64 {
	t.Helper()
	for _, m := range f.GetMetric() {
		n := 0
		for _, l := range m.GetLabel() {
			if slices.Contains(labels, l.GetName()+"="+l.GetValue()) {
				n++
			}
		}
		if n == len(labels) {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	t.Errorf("%s has no sample with %q", f.GetName(), labels)
	return 0
}

func TestScrapeShowsWhatWasDone(t *testing.T) {
	r, db := registered(t)
	for range 5 {
		if err := db.Put([]byte("key"), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	it.First()
	m := gather(t, r)
	for _, c := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"rockbridge_open", []string{"db=a"}, 1},
		{"rockbridge_calls_total", []string{"db=a", "op=write"}, 5},
		{"rockbridge_calls_total", []string{"db=b", "op=write"}, 0},
		{"rockbridge_handles_open", []string{"db=a", "kind=iterator", "age=under 1s"}, 1},
		{"rockbridge_iterator_rows_total", []string{"db=a"}, 1},
		{"rockbridge_level0_files", []string{"db=a", "family=f"}, 0},
	} {
		if got := value(t, m[c.name], c.labels...); got != c.want {
			t.Errorf("%s%v is %v, want %v", c.name, c.labels, got, c.want)
		}
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	m = gather(t, r)
	if value(t, m["rockbridge_open"], "db=a") != 0 || len(m["rockbridge_calls_total"].GetMetric()) == 0 {
		t.Error("a closed database is shown as open, or hides the other one")
	}
	for _, s := range m["rockbridge_calls_total"].GetMetric() {
		if strings.Contains(s.String(), `"a"`) {
			t.Errorf("of a closed database: %v", s)
		}
	}
}

// fields gives each number of a Metrics a value of its own and tells which field has which.
func fields(m *engine.Metrics) map[float64]string {
	next, paths := 1000.0, map[float64]string{}
	leaves(reflect.ValueOf(m).Elem(), &next, "", paths)
	return paths
}

func leaves(v reflect.Value, next *float64, path string, paths map[float64]string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), next, path+"."+v.Type().Field(i).Name, paths)
		}
		return
	case reflect.Array:
		for i := range v.Len() {
			leaves(v.Index(i), next, path, paths)
		}
		return
	case reflect.Map:
		e := reflect.New(v.Type().Elem()).Elem()
		leaves(e, next, path, paths)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("x"), e)
		return
	}
	*next += 1000
	switch v.Kind() {
	case reflect.Uint64:
		v.SetUint(uint64(*next))
	case reflect.Int64, reflect.Int:
		v.SetInt(int64(*next))
	case reflect.Float64:
		v.SetFloat(*next)
	default:
		return // truth values and names have no value of their own
	}
	paths[*next] = path
}

// shownElsewhere are fields that Prometheus computes itself: sums over families, over ages and over the
// sizes of groups, which are shown as a histogram.
var shownElsewhere = []string{
	".Memory.Memtables", ".Memory.MemtablesPinned", ".Memory.TableReaders", ".Stalls.Delays", ".Stalls.Stops",
	".Handles.Open", ".Commits.Sizes", ".Commits.Groups", ".Commits.Commits",
}

// Each field of Metrics reaches the scrape.
func TestScrapeLeavesNoFieldOut(t *testing.T) {
	var m engine.Metrics
	paths := fields(&m)
	to := make(chan prom.Metric, 1000)
	c := NewCollector("x", nil).(*collector)
	c.show(&m, to)
	showProcess(m.Process, to)
	close(to)
	shown := map[float64]bool{}
	for metric := range to {
		var d dto.Metric
		if err := metric.Write(&d); err != nil {
			t.Fatal(err)
		}
		shown[d.GetGauge().GetValue()+d.GetCounter().GetValue()] = true
		if h := d.GetHistogram(); h != nil && (h.GetSampleCount() != m.Commits.Groups || h.GetSampleSum() != float64(m.Commits.Commits) ||
			len(h.GetBucket()) != engine.GroupSizes-1 || h.GetBucket()[1].GetCumulativeCount() != m.Commits.Sizes[0]+m.Commits.Sizes[1]) {
			t.Errorf("the histogram is %v of %+v", h, m.Commits)
		}
	}
	for v, path := range paths {
		if !shown[v] && !slices.Contains(shownElsewhere, path) {
			t.Errorf("%s is not shown", path)
		}
	}
}

func TestScrapesMayRaceWithClose(t *testing.T) {
	r, db := registered(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if _, err := r.Gather(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

var metricName = regexp.MustCompile(`rockbridge_\w+`)

// names are all that a scrape may show.
func names(t *testing.T) map[string]bool {
	t.Helper()
	r, _ := registered(t)
	all := map[string]bool{}
	for name, f := range gather(t, r) {
		all[name] = true
		if f.GetType() == dto.MetricType_HISTOGRAM {
			all[name+"_bucket"], all[name+"_sum"], all[name+"_count"] = true, true, true
		}
	}
	return all
}

// dashboard is what the tests need of Grafana's format.
type dashboard struct {
	Title  string
	Panels []struct {
		ID      int
		Title   string
		Type    string
		GridPos struct{ H, W, X, Y int }
		Targets []struct{ Expr string }
	}
}

func TestDashboardShowsOnlyMetricsThatExist(t *testing.T) {
	b, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	known, ids, cells, targets := names(t), map[int]bool{}, map[[2]int]string{}, 0
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d %q: its number is taken or it has no title", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other, taken := cells[cell]; taken || cell[0] >= 24 {
					t.Fatalf("panel %q lies over %q or outside", p.Title, other)
				}
				cells[cell] = p.Title
			}
		}
		for _, target := range p.Targets {
			targets++
			if !metricName.MatchString(target.Expr) {
				t.Errorf("panel %q shows nothing of rockbridge: %s", p.Title, target.Expr)
			}
		}
	}
	for _, name := range metricName.FindAllString(string(b), -1) {
		if !known[name] {
			t.Errorf("there is no metric %s", name)
		}
	}
	if targets < 20 {
		t.Errorf("only %d queries", targets)
	}
}

func TestDocumentNamesEveryMetric(t *testing.T) {
	b, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, name := range metricName.FindAllString(string(b), -1) {
		documented[name] = true
	}
	known := names(t)
	for name := range known {
		histogram := strings.HasPrefix(name, "rockbridge_commit_group_size_")
		if !documented[name] && !histogram {
			t.Errorf("docs/observability.md does not name %s", name)
		}
	}
	for name := range documented {
		if !known[name] {
			t.Errorf("docs/observability.md names %s, which does not exist", name)
		}
	}
}
