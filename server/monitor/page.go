package monitor

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var pageTemplate = template.Must(template.ParseFS(files, "page/index.html"))

// least is how often the page looks at most.
const least = 2 * time.Second

// figures are what the page shows beside its charts, by the names of its elements.
type figures struct {
	Sample uint64            `json:"sample"`
	Ready  bool              `json:"ready"`
	State  string            `json:"state"`
	Values map[string]string `json:"values"`
	Charts map[string]string `json:"charts"` // what each shows, in words
}

// look gathers them.
func (m *Monitor) look() *figures {
	f := &figures{State: "ready", Ready: true, Values: map[string]string{}, Charts: map[string]string{}}
	if err := m.Ready(); err != nil {
		f.Ready, f.State = false, err.Error()
	}
	now, known := m.ring.newest()
	f.Sample = now.number
	for _, c := range charts {
		var words []string
		for _, s := range c.series {
			text := "–"
			if known {
				text = s.format(s.value(&now))
			}
			f.Values[s.name] = text
			words = append(words, s.title+" "+text)
		}
		f.Charts[c.name] = c.title + " by time, now: " + strings.Join(words, ", ")
	}
	f.Values["clients"], f.Values["total"], f.Values["failed"], f.Values["uptime"] = "–", "–", "–", "–"
	if s := m.watched(); s != nil {
		t := s.Stats()
		f.Values["clients"], f.Values["total"], f.Values["failed"] = grouped(float64(t.Clients)), grouped(float64(t.Commands)), grouped(float64(t.Errors))
		f.Values["uptime"] = age(time.Since(t.Began))
	}
	return f
}

// serveFigures is for the page's script.
func (m *Monitor) serveFigures(w http.ResponseWriter, _ *http.Request) {
	b, err := json.Marshal(m.look())
	if err != nil {
		http.Error(w, "no figures", http.StatusInternalServerError)
		return
	}
	answer(w, "application/json", b)
}

func (m *Monitor) serveChart(w http.ResponseWriter, r *http.Request) {
	svg, ok := m.svg(r.PathValue("name"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox") // its styles stand within
	answer(w, "image/svg+xml", svg)
}

// card is a chart as the template sees it.
type card struct {
	Name, Title, Words string
	Lines              bool
	Series             []cardSeries
}

type cardSeries struct {
	ID, Title, Value string
	Colour           int
}

// servePage gives the page as it is now. Its script keeps it so; where there is none, it is loaded again.
func (m *Monitor) servePage(w http.ResponseWriter, _ *http.Request) {
	f := m.look()
	var cards []card
	for _, c := range charts {
		one := card{Name: c.name, Title: c.title, Words: f.Charts[c.name], Lines: !c.stacked}
		for i, s := range c.series {
			one.Series = append(one.Series, cardSeries{s.name, s.title, f.Values[s.name], i})
		}
		cards = append(cards, one)
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, map[string]any{
		"Figures": f, "Cards": cards, "Name": m.name, "Every": max(m.every, min(least, 2*m.every)).Milliseconds(),
		"RocksDB": engine.Version(), "Go": runtime.Version(),
	})
	if err != nil {
		m.log.Error("the page could not be made", "error", err)
		http.Error(w, "no page", http.StatusInternalServerError)
		return
	}
	answer(w, "text/html; charset=utf-8", b.Bytes())
}
