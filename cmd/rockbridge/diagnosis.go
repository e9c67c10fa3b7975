package main

import (
	"fmt"
	"io"
)

// The marks of a finding.
const (
	markOK    = "ok"
	markNote  = "note"  // worth knowing, or slow
	markWrong = "wrong" // it fails, or will
)

// finding is what a check found, and what there is to do.
type finding struct {
	Area  string `json:"area"`
	Check string `json:"check"`
	Mark  string `json:"mark"`
	Found string `json:"found"`
	Do    string `json:"do,omitempty"`
}

// diagnosis is what doctor found.
type diagnosis struct {
	Dir    string    `json:"dir,omitempty"`
	Checks []finding `json:"checks"`
	OK     int       `json:"ok"`
	Notes  int       `json:"notes"`
	Wrong  int       `json:"wrong"`

	area string // of the checks that are under way
}

func (d *diagnosis) add(mark, check, found, do string) {
	d.Checks = append(d.Checks, finding{d.area, check, mark, found, do})
	switch mark {
	case markOK:
		d.OK++
	case markNote:
		d.Notes++
	default:
		d.Wrong++
	}
}

func (d *diagnosis) ok(check, format string, args ...any) {
	d.add(markOK, check, fmt.Sprintf(format, args...), "")
}

// note and wrong take what there is to do before what was found.
func (d *diagnosis) note(check, do, format string, args ...any) {
	d.add(markNote, check, fmt.Sprintf(format, args...), do)
}

func (d *diagnosis) wrong(check, do, format string, args ...any) {
	d.add(markWrong, check, fmt.Sprintf(format, args...), do)
}

// print writes a line for each check, and below it what to do.
func (d *diagnosis) print(out io.Writer) error {
	area := ""
	for _, f := range d.Checks {
		if f.Area != area {
			if area != "" {
				fmt.Fprintln(out)
			}
			area = f.Area
			fmt.Fprintln(out, area)
		}
		fmt.Fprintf(out, "  %-6s %-13s %s\n", f.Mark, f.Check, f.Found)
		if f.Do != "" {
			fmt.Fprintf(out, "  %-6s %-13s -> %s\n", "", "", f.Do)
		}
	}
	_, err := fmt.Fprintf(out, "\n%d ok, %d to note, %d wrong\n", d.OK, d.Notes, d.Wrong)
	return err
}
