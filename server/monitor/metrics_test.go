package monitor_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/rockbridge-db/rockbridge/server"
)

// scrape reads what Prometheus reads.
func (w *shown) scrape() map[string]*dto.MetricFamily {
	w.t.Helper()
	_, _, body := w.get("GET", "/metrics")
	p := expfmt.NewTextParser(model.LegacyValidation)
	all, err := p.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		w.t.Fatalf("%v in\n%s", err, body)
	}
	return all
}

// worked is a server with some of everything that it counts.
func worked(t *testing.T) *shown {
	t.Helper()
	w := running(t, server.Config{})
	w.ask("SET a 1", "INCR a", "GET a", "GET none", "INCR", "MSET b 1 c 2", "NOSUCH", "MULTI", "GET a", "CONFIG GET port")
	w.ask("DISCARD", "SET text x", "INCR text")
	w.sampled()
	return w
}

func TestMetricsAgreeWithInfo(t *testing.T) {
	w := worked(t)
	info := map[string]string{}
	for line := range strings.Lines(w.ask("INFO all")[0]) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	all := w.scrape()
	text := func(name string) string {
		f := all["rockbridge_server_"+name]
		if f == nil || len(f.Metric) != 1 {
			t.Fatalf("%s: %v", name, f)
		}
		b, _ := json.Marshal(f.Metric[0].GetCounter().GetValue() + f.Metric[0].GetGauge().GetValue())
		return string(b)
	}
	for name, of := range map[string]string{
		"clients": "connected_clients", "clients_limit": "maxclients", "clients_in_transaction": "clients_in_transaction", "connections_total": "total_connections_received",
		"rejected_connections_total": "rejected_connections", "received_bytes_total": "total_net_input_bytes", "error_replies_total": "total_error_replies",
		"keyspace_hits_total": "keyspace_hits", "keyspace_misses_total": "keyspace_misses",
	} {
		if got := text(name); got != info[of] || info[of] == "" {
			t.Errorf("%s is %s, INFO says %s", name, got, info[of])
		}
	}
	if text("ready") != "1" || text("keyspace_hits_total") == "0" || text("segments_total") == "0" {
		t.Error("nothing was done")
	}
	commands := 0
	for _, m := range all["rockbridge_server_commands_total"].Metric {
		name := m.Label[0].GetValue()
		if calls, _, _ := strings.Cut(strings.TrimPrefix(info["cmdstat_"+name], "calls="), ","); calls != jsonOf(m.GetCounter().GetValue()) && name != "info" && calls != "" {
			t.Errorf("%s: %v, INFO says %s", name, m, info["cmdstat_"+name])
		}
		commands += int(m.GetCounter().GetValue())
	}
	if want := info["total_commands_processed"]; jsonOf(float64(commands-1)) != want { // INFO does not count itself
		t.Errorf("%d commands, INFO says %s", commands, want)
	}
	for _, m := range all["rockbridge_server_command_duration_seconds"].Metric {
		h, last := m.GetHistogram(), uint64(0)
		for _, b := range h.Bucket {
			if b.GetCumulativeCount() < last {
				t.Errorf("%v", m)
			}
			last = b.GetCumulativeCount()
		}
		if last != h.GetSampleCount() || h.GetSampleSum() < 0 || len(h.Bucket) < 20 {
			t.Errorf("%v", m)
		}
	}
	if f := all["rockbridge_calls_total"]; f == nil || f.Metric[0].Label[0].GetValue() != "orders" {
		t.Errorf("the engine's: %v", f)
	}
}

func jsonOf(v float64) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func TestNamesFollowTheConventions(t *testing.T) {
	w := worked(t)
	_, _, body := w.get("GET", "/metrics")
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "rockbridge_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if strings.Contains(body, "none") && strings.Contains(body, `"none"`) {
		t.Error("a key is a label")
	}
}

var metricName = regexp.MustCompile(`rockbridge_server_\w+`)

// docs/server.md and the dashboard name what there is, and the document all of it.
func TestMetricsAreDocumented(t *testing.T) {
	w := worked(t)
	known := map[string]bool{}
	for name, f := range w.scrape() {
		if metricName.MatchString(name) {
			known[name] = true
			if f.GetType() == dto.MetricType_HISTOGRAM {
				known[name+"_bucket"], known[name+"_count"], known[name+"_sum"] = true, true, true
			}
		}
	}
	read := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	document, dashboard := read("../../docs/server.md"), read("dashboard.json")
	for _, text := range []string{document, dashboard} {
		for _, name := range metricName.FindAllString(text, -1) {
			if !known[name] {
				t.Errorf("there is no metric %s", name)
			}
		}
	}
	for name := range known {
		plain := regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(name, "")
		if !strings.Contains(document, "`"+plain+"`") {
			t.Errorf("docs/server.md does not name %s", plain)
		}
	}
	var d struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ H, W, X, Y int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(dashboard), &d); err != nil {
		t.Fatal(err)
	}
	cells, targets := map[[2]int]bool{}, 0
	for _, p := range d.Panels {
		targets += len(p.Targets)
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if cells[cell] || cell[0] >= 24 {
					t.Fatalf("panel %q lies over another or outside", p.Title)
				}
				cells[cell] = true
			}
		}
	}
	if targets < 12 {
		t.Errorf("only %d queries", targets)
	}
}
