package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const (
	repository    = "../.."
	unitFile      = repository + "/server/deploy/rockbridge.service"
	containerFile = repository + "/server/deploy/Dockerfile"
)

func readText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// instruction is one of a Dockerfile: its name, and what follows.
type instruction struct{ name, text string }

func instructions(t *testing.T) (list []instruction) {
	t.Helper()
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(readText(t, containerFile), "")
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if name, rest, _ := strings.Cut(strings.TrimSpace(line), " "); name != "" {
			list = append(list, instruction{name, rest})
		}
	}
	return list
}

// words are those of an instruction in the form of JSON, which needs no shell.
func (i instruction) words(t *testing.T) (list []string) {
	t.Helper()
	_, text, _ := strings.Cut(i.text, "[")
	if err := json.Unmarshal([]byte("["+text), &list); err != nil {
		t.Fatalf("%s %s: %v", i.name, i.text, err)
	}
	return list
}

func last(list []instruction, name string) instruction {
	for _, i := range slices.Backward(list) {
		if i.name == name {
			return i
		}
	}
	return instruction{}
}

// The image is of named releases of Debian, the same for building and running, runs nothing as root, and keeps its data outside.
func TestTheContainerIsWhatItSays(t *testing.T) {
	list := instructions(t)
	release := ""
	for _, i := range list {
		if i.name != "FROM" {
			continue
		}
		m := regexp.MustCompile(`^(golang:1\.26-(bookworm)|debian:(bookworm)-slim)( AS \w+)?$`).FindStringSubmatch(i.text)
		if m == nil {
			t.Fatalf("%s is no image by name and release", i.text)
		}
		if now := m[2] + m[3]; release != "" && release != now {
			t.Errorf("built on %s and run on %s", release, now)
		} else {
			release = now
		}
	}
	last(list, "HEALTHCHECK").words(t)
	if user := last(list, "USER").text; !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		t.Errorf("USER %q: not by number, or root", user)
	}
	at := func(name string) int {
		return slices.IndexFunc(list, func(i instruction) bool { return i.name == name })
	}
	if at("USER") < 0 || at("USER") > at("ENTRYPOINT") || last(list, "VOLUME").text != "/data" || last(list, "STOPSIGNAL").text != "SIGTERM" {
		t.Errorf("%+v", list)
	}
}

// What is copied into the image is there, is not kept from it, and holds every package of the program.
func TestTheContainersSourcesAreWhole(t *testing.T) {
	to := t.TempDir()
	ignored := readText(t, containerFile+".dockerignore")
	for _, i := range instructions(t) {
		paths := strings.Fields(i.text)
		if i.name != "COPY" || strings.HasPrefix(i.text, "--from=") {
			continue
		}
		from := paths[0]
		if top := strings.Split(from, "/")[0]; !strings.Contains(ignored, "\n!"+top+"\n") && !strings.Contains(ignored, "\n!"+from+"\n") {
			t.Errorf("%s is kept from the image by its .dockerignore", from)
		}
		if err := copySources(filepath.Join(repository, from), filepath.Join(to, from)); err != nil {
			t.Errorf("COPY %s: %v", i.text, err)
		}
	}
	c := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}}", ".")
	c.Dir = filepath.Join(to, "cmd/rockbridge")
	c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "rockbridge/server/monitor\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// copySources copies what the .dockerignore of the image leaves.
func copySources(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case d.IsDir() || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rest, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rest)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, b, 0o644)
	})
}

// The command line of the image serves, and its health check finds that.
func TestTheContainersCommandServes(t *testing.T) {
	list := instructions(t)
	words, dir := last(list, "ENTRYPOINT").words(t), t.TempDir()
	if !slices.Equal(words[:2], []string{"rockbridge", "serve"}) {
		t.Fatalf("%q", words)
	}
	for i := range words {
		words[i] = strings.Replace(words[i], "/data", dir, 1)
	}
	s := startServing(t, append(words[2:], "--port", "0", "--http-port", "0")...)
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	s.addr = net.JoinHostPort("127.0.0.1", port)
	if got, err := s.dial(t).ask("BGSAVE"); err != nil || !strings.HasPrefix(got, "+") {
		t.Errorf("BGSAVE: %q, %v", got, err)
	}
	check := last(list, "HEALTHCHECK").words(t)
	m := showing.FindStringSubmatch(s.began)
	if m == nil || check[0] != "rockbridge" {
		t.Fatalf("%q, %s", check, s.began)
	}
	check[len(check)-1] = strings.Replace(check[len(check)-1], "http://127.0.0.1:8080", m[1], 1)
	if r := runWith(t, "", check[1:]...); r.code != 0 || r.stdout != "ok\n" {
		t.Errorf("%q: %+v", check, r)
	}
	s.cmd.Process.Kill()
	s.cmd.Wait()
	if r := runWith(t, "", check[1:]...); r.code != 1 {
		t.Errorf("after its death %q: %+v", check, r)
	}
}

// setting gives the last value that the unit has for a name.
func setting(t *testing.T, name string) string {
	t.Helper()
	all := regexp.MustCompile(`(?m)^`+name+`=(.*)$`).FindAllStringSubmatch(readText(t, unitFile), -1)
	if all == nil {
		t.Fatalf("the unit has no %s", name)
	}
	return all[len(all)-1][1]
}

// The unit's command line serves with the configuration that the repository has, and tells so.
func TestTheUnitsCommandServes(t *testing.T) {
	state, credentials := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(credentials, "rockbridge.conf"), []byte(readText(t, repository+"/server/rockbridge.conf")), 0o600); err != nil {
		t.Fatal(err)
	}
	line := strings.NewReplacer("${STATE_DIRECTORY}", state, "${CREDENTIALS_DIRECTORY}", credentials).Replace(setting(t, "ExecStart"))
	words := strings.Fields(line)
	if len(words) < 3 || !strings.HasSuffix(words[0], "/rockbridge") || words[1] != "serve" || strings.Contains(line, "$") {
		t.Fatalf("%q", words)
	}
	name := filepath.Join(t.TempDir(), "notify")
	c := manager(t, name)
	t.Setenv("NOTIFY_SOCKET", name)
	s := startServing(t, append(words[2:], "--port", "0", "--bind", "127.0.0.1")...)
	if got := told(t, c); got != "READY=1" || setting(t, "Type") != "notify" {
		t.Errorf("%q", got)
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	if words := <-s.words; s.cmd.Wait() != nil {
		t.Errorf("its end: %s", words)
	}
}

// Where others start it, glibc has few arenas: with as many as it wants, the cache takes a multiple of its size.
func TestTheUnitAndTheContainerHaveFewArenas(t *testing.T) {
	if got := setting(t, "Environment"); got != "MALLOC_ARENA_MAX=2" {
		t.Errorf("the unit's environment is %q", got)
	}
	if text := readText(t, repository+"/server/deploy/Dockerfile"); !strings.Contains(text, "\nENV MALLOC_ARENA_MAX=2\n") {
		t.Error("the container has all arenas")
	}
}

// A program in Go that crashes, in C too, ends with the status of one that was called wrongly: none may keep systemd from
// starting it again.
func TestTheUnitIsStartedAgainAfterACrash(t *testing.T) {
	s := startServing(t, filepath.Join(t.TempDir(), "db"), "--port", "0")
	s.cmd.Process.Signal(syscall.SIGABRT)
	<-s.words
	var ended *exec.ExitError
	if err := s.cmd.Wait(); !errors.As(err, &ended) || ended.Success() {
		t.Fatalf("after a crash: %v", err)
	}
	if text := readText(t, unitFile); setting(t, "Restart") != "on-failure" || strings.Contains(text, "RestartPreventExitStatus") || strings.Contains(text, "SuccessExitStatus") {
		t.Errorf("the unit passes by ends with status %d", ended.ExitCode())
	}
}

// systemd finds nothing wrong with the unit, and little that it may do.
func TestSystemdTakesTheUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	unit := filepath.Join(t.TempDir(), "rockbridge.service")
	text := regexp.MustCompile(`(?m)^ExecStart=\S+`).ReplaceAllString(readText(t, unitFile), "ExecStart="+program)
	if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"verify", "--man=no", "--recursive-errors=no", unit},
		{"security", "--offline=yes", "--threshold=20", "--no-pager", unit}, // tenths: of 10, which is a unit without any of it
	} {
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", args...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
}
