package server

import (
	"log/slog"
	"strings"
	"time"
)

func serverCommands() []*command {
	return []*command{
		{name: "dbsize", arity: 1, flags: readOnly | fast | wide, since: "1.0.0", summary: "Counts the keys of the database.", run: dbSize},
		{name: "flushdb", arity: -1, flags: write | dangerous | wideWrite, since: "1.0.0", args: "[ASYNC | SYNC]", summary: "Removes all keys of the database.", run: flushOne},
		{name: "flushall", arity: -1, flags: write | dangerous | wideWrite, since: "1.0.0", args: "[ASYNC | SYNC]", summary: "Removes all keys of all databases.", run: flushAll},
		{name: "time", arity: 1, flags: fast, since: "2.6.0", summary: "Tells the time.", run: timeNow},
		{name: "info", arity: -1, flags: dangerous, since: "1.0.0", args: "[section [section ...]]", summary: "Tells about the server, and what it has done.", run: info},
		{name: "lastsave", arity: 1, flags: admin | fast, since: "1.0.0", summary: "Tells when the last BGSAVE that succeeded was.", run: lastSave},
		{name: "bgsave", arity: -1, flags: admin, since: "1.0.0", args: "[SCHEDULE]", summary: "Makes a copy of the database in the background: a checkpoint.", run: bgSave},
		{name: "shutdown", arity: -1, flags: admin | noMulti, since: "1.0.0", args: "[NOSAVE | SAVE] [NOW] [FORCE]", summary: "Ends the server, once all changes are on disk.", run: shutdown},
		{name: "config", arity: -2, since: "2.0.0", summary: "Commands about the configuration.", children: map[string]*command{
			"get":       {name: "config|get", arity: -3, flags: admin, since: "2.0.0", args: "parameter [parameter ...]", summary: "Gives the values of directives.", run: configGet},
			"set":       {name: "config|set", arity: -4, flags: admin, since: "2.0.0", args: "parameter value [parameter value ...]", summary: "Changes directives, all or none.", run: configSet},
			"resetstat": {name: "config|resetstat", arity: 2, flags: admin, since: "2.0.0", summary: "Has statistics begin anew.", run: configResetStat},
		}},
		{name: "slowlog", arity: -2, since: "2.2.12", summary: "Commands about slow commands.", children: slowlogCommands()},
		{name: "memory", arity: -2, since: "4.0.0", summary: "Commands about memory.", children: map[string]*command{
			"usage": {name: "memory|usage", arity: -3, flags: readOnly, keys: keySpec{2, 2, 1}, since: "4.0.0", args: "key [SAMPLES count]", summary: "Estimates the bytes of a key and its value.", run: memoryUsage},
		}},
		{name: "debug", arity: -2, since: "1.0.0", summary: "Commands for tests.", children: map[string]*command{
			"sleep": {name: "debug|sleep", arity: 3, flags: admin, since: "1.0.0", args: "seconds", summary: "Answers after so many seconds.", run: debugSleep},
		}},
		{name: "command", arity: -1, since: "2.8.13", summary: "Tells about all commands.", run: commandAll, children: map[string]*command{
			"count":   {name: "command|count", arity: 2, since: "2.8.13", summary: "Counts the commands.", run: commandCount},
			"docs":    {name: "command|docs", arity: -2, since: "7.0.0", args: "[command-name [command-name ...]]", summary: "Describes commands.", run: commandDocs},
			"getkeys": {name: "command|getkeys", arity: -4, since: "2.8.13", args: "command [arg ...]", summary: "Gives the keys that a command names.", run: commandGetKeys},
			"info":    {name: "command|info", arity: -2, since: "2.8.13", args: "[command-name [command-name ...]]", summary: "Tells about some commands.", run: commandInfo},
			"list":    {name: "command|list", arity: -2, since: "7.0.0", summary: "Gives the names of all commands.", run: commandList},
		}},
	}
}

func timeNow(x *exec, _ [][]byte) error {
	now := time.Now()
	x.out.array(2)
	x.out.text(string(appendInt(nil, now.Unix())))
	x.out.text(string(appendInt(nil, int64(now.Nanosecond()/1000))))
	return nil
}

func flushMode(a [][]byte) error {
	if len(a) > 2 || len(a) == 2 && !strings.EqualFold(string(a[1]), "async") && !strings.EqualFold(string(a[1]), "sync") {
		return errSyntax
	}
	return nil
}

func flushOne(x *exec, a [][]byte) error {
	if err := flushMode(a); err != nil {
		return err
	}
	x.out.ok()
	return x.flush(x.db)
}

func flushAll(x *exec, a [][]byte) error {
	if err := flushMode(a); err != nil {
		return err
	}
	x.out.ok()
	return x.flush(-1)
}

func configGet(x *exec, a [][]byte) error {
	pairs := x.s.conf.like(a[2:])
	x.out.mapping(len(pairs) / 2)
	x.out.texts2(pairs...)
	return nil
}

func configSet(x *exec, a [][]byte) error {
	if len(a)%2 != 0 {
		return errSyntax
	}
	if why := x.s.conf.change(a[2:]); why != "" {
		return why
	}
	for i := 2; i < len(a); i += 2 { // names that there are, and no values
		x.s.log.Info("a setting was changed", slog.Int64("client", x.c.id), slog.String("directive", strings.ToLower(string(a[i]))))
	}
	x.out.ok()
	return nil
}

func configResetStat(x *exec, _ [][]byte) error {
	x.s.stats.reset()
	for i := range x.s.counts {
		x.s.counts[i].reset()
	}
	x.out.ok()
	return nil
}

func values(m map[string]*command) (list []*command) {
	for _, c := range m {
		list = append(list, c)
	}
	return list
}

// rowOverhead is what RocksDB keeps of a row beside its bytes, about.
const rowOverhead = 16

func memoryUsage(x *exec, a [][]byte) error {
	for i := 3; i < len(a); i += 2 {
		if i+1 == len(a) || !strings.EqualFold(string(a[i]), "samples") {
			return errSyntax
		}
		switch n, ok := parseInt(a[i+1]); {
		case !ok:
			return errNotInteger
		case n < 0:
			return errSyntax
		}
	}
	s, err := x.get(a[2])
	if err != nil {
		return err
	}
	if !s.there {
		x.out.null()
		return nil
	}
	x.out.number(int64(len(s.key) + timedHeader + len(s.now.data) + rowOverhead))
	return nil
}

func debugSleep(x *exec, a [][]byte) error {
	if !x.s.conf.now.Load().EnableDebugCommand {
		return failure("ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.")
	}
	f, ok := parseFloat(a[2])
	if !ok {
		return errNotFloat
	}
	n, _ := f.Float64()
	wait := time.NewTimer(time.Duration(min(max(n, 0), 3600) * float64(time.Second)))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-x.s.life.Done():
	}
	x.out.ok()
	return nil
}

func shutdown(x *exec, a [][]byte) error {
	for _, word := range a[1:] {
		switch strings.ToLower(string(word)) {
		case "nosave", "save", "now", "force":
		default:
			return errSyntax
		}
	}
	do := x.s.conf.now.Load().Shutdown
	if do == nil {
		return failure("ERR Errors trying to SHUTDOWN. Check logs.")
	}
	x.c.quit = true
	go do()
	return nil
}
