package browsertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
	"github.com/rockbridge-db/rockbridge/server/monitor"
)

// chromium finds the browser.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("ROCKBRIDGE_MUST_RUN") != "" {
		t.Fatal("chromium is not installed, and ROCKBRIDGE_MUST_RUN is set: scripts/setup browser")
	}
	t.Skip("chromium is not installed: scripts/setup browser")
	return ""
}

// serve serves a database to clients of Redis, and shows it: the addresses of both.
func serve(t *testing.T) (redis, page string) {
	t.Helper()
	db, err := engine.Open(filepath.Join(t.TempDir(), "db"), server.Options(engine.Options{Statistics: engine.UsualStatistics}))
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(db, server.Config{AppendFsync: "no"})
	if err != nil {
		t.Fatal(err)
	}
	m := monitor.New(monitor.Options{Name: "orders", Every: 100 * time.Millisecond})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		m.Shutdown(ctx)
		if err := errors.Join(s.Shutdown(ctx), db.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := m.Watch(s, db); err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, serve := range []func(net.Listener) error{s.Serve, m.Serve} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, l.Addr().String())
		go serve(l)
	}
	return addresses[0], "http://" + addresses[1] + "/"
}

// load writes and reads until the test ends.
func load(t *testing.T, addr string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	t.Cleanup(func() { conn.Close(); done.Wait() })
	done.Go(func() {
		answers := make([]byte, 64<<10)
		for i := 0; ; i++ {
			for range 1 + i/20 { // more and more
				fmt.Fprintf(conn, "SET secret-key-%d secret-value\r\nGET secret-key-%d\r\n", i, i)
			}
			if _, err := conn.Read(answers); err != nil {
				return
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
}

// seen is what a browser asked for and complained of.
type seen struct {
	mu       sync.Mutex
	requests []string
	trouble  []string
}

func (s *seen) note(event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		s.requests = append(s.requests, e.Request.URL)
	case *network.EventLoadingFailed:
		if !e.Canceled {
			s.trouble = append(s.trouble, e.ErrorText)
		}
	case *network.EventResponseReceived:
		if e.Response.Status != http.StatusOK {
			s.trouble = append(s.trouble, fmt.Sprint(e.Response.URL, ": ", e.Response.Status))
		}
	case *runtime.EventConsoleAPICalled:
		s.trouble = append(s.trouble, fmt.Sprintf("console: %s", e.Type))
	case *runtime.EventExceptionThrown:
		s.trouble = append(s.trouble, e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		s.trouble = append(s.trouble, e.Entry.Text+" "+e.Entry.URL)
	}
}

// browse starts a browser, and notes what it does. Its sandbox cannot be had by root.
func browse(t *testing.T, path string) (context.Context, *seen) {
	t.Helper()
	dir, err := os.MkdirTemp("", "") // its sockets lie there, whose names have to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.UserDataDir(filepath.Join(dir, "data")),
		chromedp.Env("TMPDIR="+dir), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // t's ends before what is cleaned up
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, leave := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Log(err)
		}
		leave()
	})
	s := &seen{}
	if err := chromedp.Listen(ctx, s.note); err != nil {
		t.Fatal(err)
	}
	return ctx, s
}

// state is what somebody sees of the page.
type state struct {
	Commands string  `json:"commands"`
	Reads    string  `json:"reads"`
	Status   string  `json:"status"`
	Charts   []chart `json:"charts"`
	Broken   int     `json:"broken"` // pictures
	Text     string  `json:"text"`
	Wide     bool    `json:"wide"` // beyond the window
}

type chart struct {
	Source string `json:"source"`
	Words  string `json:"words"`
}

const lookAt = `(() => {
	const images = [...document.images];
	const text = id => document.getElementById(id).textContent;
	return {
		commands: text("total"), reads: text("reads"), status: text("state"),
		charts: images.map(i => ({source: i.currentSrc, words: i.alt})),
		broken: images.filter(i => i.complete && i.naturalWidth === 0).length,
		text: document.body.innerText,
		wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
	};
})()`

func look(t *testing.T, ctx context.Context) state {
	t.Helper()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[state](lookAt))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// until looks until what is seen will do.
func until(t *testing.T, ctx context.Context, what string, will func(state) bool) state {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		s := look(t, ctx)
		if will(s) {
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %+v", what, s)
		}
	}
}

// The page shows figures and charts that go with the load, on a phone and in the dark too; it finds no fault with itself, and asks nobody
// but its server.
func TestThePageGoesWithTheLoad(t *testing.T) {
	path := chromium(t)
	redis, page := serve(t)
	ctx, seen := browse(t, path)
	if err := chromedp.Do(ctx, chromedp.Navigate(page)); err != nil {
		t.Fatal(err)
	}
	loaded := func(s state) bool { return len(s.Charts) >= 7 && s.Broken == 0 && s.Charts[0].Source != "" }
	idle := until(t, ctx, "the page", func(s state) bool { return loaded(s) && s.Status == "ready" && s.Commands == "0" })
	if idle.Reads != "0/s" {
		t.Errorf("before the load: %+v", idle)
	}
	load(t, redis)
	last := idle
	for range 3 {
		now := until(t, ctx, "figures and charts stand still", func(s state) bool {
			for i, c := range s.Charts {
				if c.Source == last.Charts[i].Source || c.Words == "" {
					return false
				}
			}
			return loaded(s) && s.Commands != last.Commands && s.Reads != last.Reads && s.Charts[0].Words != last.Charts[0].Words
		})
		last = now
	}
	drawn, err := chromedp.Run(ctx, chromedp.Evaluate[string](`fetch(document.images[0].currentSrc).then(a => a.text())`, chromedp.EvalAwaitPromise))
	if err != nil || strings.Count(drawn, "<path") < 4 {
		t.Errorf("the first chart: %v, %.300s", err, drawn)
	}
	if strings.Contains(last.Text, "secret") {
		t.Errorf("the page shows a key: %s", last.Text)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(360, 740)); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	}); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, "a phone in the dark", func(s state) bool { return loaded(s) && !s.Wide && strings.Contains(s.Charts[0].Source, "-dark.svg") })
	seen.check(t, page)
}

// check tells what a browser should not have met.
func (s *seen) check(t *testing.T, page string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, trouble := range s.trouble {
		t.Errorf("the browser complains: %s", trouble)
	}
	home, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range s.requests {
		if u, err := url.Parse(request); err != nil || u.Scheme != "http" || u.Host != home.Host {
			t.Errorf("the page asks for %s", request)
		}
	}
	if len(s.requests) < 20 {
		t.Errorf("only %d requests", len(s.requests))
	}
}

// A page whose server is gone says so, and goes on when there is one.
func TestThePageTellsThatItsServerIsGone(t *testing.T) {
	path := chromium(t)
	m := monitor.New(monitor.Options{Every: 100 * time.Millisecond})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go m.Serve(l)
	ctx, _ := browse(t, path)
	if err := chromedp.Do(ctx, chromedp.Navigate("http://"+l.Addr().String()+"/")); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, "a server that starts", func(s state) bool { return strings.HasPrefix(s.Status, "starting") })
	last, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	m.Shutdown(last)
	until(t, ctx, "a server that is gone", func(s state) bool { return s.Status == "no answer from the server" })
	again, err := net.Listen("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	next := monitor.New(monitor.Options{Every: 100 * time.Millisecond})
	go next.Serve(again)
	defer next.Shutdown(last)
	until(t, ctx, "a server that is back", func(s state) bool { return strings.HasPrefix(s.Status, "starting") })
}
