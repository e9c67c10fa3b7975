package engine

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// optionsFile is what RocksDB's OPTIONS file says.
type optionsFile struct {
	version  string                       // of the RocksDB that wrote it
	db       map[string]string            // options of the database as a whole
	families map[string]map[string]string // family to option to value
	tables   map[string]map[string]string // family to option of its tables to value
	foreign  map[string]string            // family to the name of tables that are not block-based
}

func newOptionsFile() *optionsFile {
	return &optionsFile{
		db: map[string]string{}, families: map[string]map[string]string{}, tables: map[string]map[string]string{},
		foreign: map[string]string{},
	}
}

// readOptionsFile reads the newest OPTIONS file in dir; nil without an error if there is none.
func readOptionsFile(dir string) (*optionsFile, error) {
	path, err := newestOptionsFile(dir)
	if path == "" || err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError("open", path, err)
	}
	defer f.Close()
	o := newOptionsFile()
	var section map[string]string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		section = o.line(strings.TrimSpace(lines.Text()), section)
	}
	if err := lines.Err(); err != nil {
		return nil, fileError("open", path, err)
	}
	return o, nil
}

// line takes one line in: a section's head or a setting of the section before it, which is returned.
func (o *optionsFile) line(text string, section map[string]string) map[string]string {
	if strings.HasPrefix(text, "[") {
		return o.section(text)
	}
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return section
	}
	if name = strings.TrimSpace(name); name == "rocksdb_version" {
		o.version = strings.TrimSpace(value)
	}
	if section != nil {
		section[name] = strings.TrimSpace(value)
	}
	return section
}

// section begins the section with the given head; nil for one that nobody asks for.
func (o *optionsFile) section(head string) map[string]string {
	if head == "[DBOptions]" {
		return o.db
	}
	for begin, all := range map[string]map[string]map[string]string{
		`[CFOptions "`: o.families, `[TableOptions/BlockBasedTable "`: o.tables,
	} {
		if name, ok := strings.CutPrefix(head, begin); ok {
			section := map[string]string{}
			all[unescape(strings.TrimSuffix(name, `"]`))] = section
			return section
		}
	}
	o.sectionOfTables(head)
	return nil
}

// sectionOfTables notes what tables a family has by the head of their section, which RocksDB takes apart in this way. Of a name that
// it does not know it makes none, and ends the process when it opens the family.
func (o *optionsFile) sectionOfTables(head string) {
	from, to := strings.Index(head, `"`), strings.LastIndex(head, `"`)
	if from >= to {
		return
	}
	name, ok := strings.CutPrefix(strings.TrimSpace(head[1:from]), "TableOptions/")
	if family := unescape(head[from+1 : to]); ok && name != "BlockBasedTable" {
		o.foreign[family] = name
	}
}

// unescape undoes what RocksDB does to a family's name and to a setting: a backslash stands before \, # and :, and
// with n and r for the ends of lines.
func unescape(name string) string {
	if !strings.Contains(name, `\`) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '\\' && i+1 < len(name) {
			i++
			switch c = name[i]; c {
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

// newestOptionsFile finds OPTIONS-n with the highest n; empty if there is none or no such directory.
func newestOptionsFile(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", fileError("open", dir, err)
	}
	newest, best := "", uint64(0)
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "OPTIONS-")
		if !ok {
			continue
		}
		if n, err := strconv.ParseUint(digits, 10, 64); err == nil && n >= best {
			newest, best = e.Name(), n
		}
	}
	if newest == "" {
		return "", nil
	}
	return filepath.Join(dir, newest), nil
}

// operator is the class that an option of a family names, without its settings; empty for none.
func (o *optionsFile) operator(family, option string) string {
	return idOf(o.value(family, option))
}

// idOf is the class that the value of an option names.
func idOf(v string) string {
	if v == "nullptr" {
		return ""
	}
	for part := range strings.SplitSeq(strings.Trim(v, "{}"), ";") {
		if id, ok := strings.CutPrefix(strings.TrimSpace(part), "id="); ok {
			return id
		}
	}
	return v
}

// unknownOperator names the first operator of a family that cannot be made here, with what given has of
// Go's; empty if all can.
func (o *optionsFile) unknownOperator(family string, given FamilyOptions) string {
	if c := o.operator(family, "comparator"); c != "" && c != bytewise && c != ReverseBytewise && c != u64ts && given.orderName() == "" {
		return "comparator " + c
	}
	var ours operators
	if m := o.mergeOperator(family); m != "" && !given.hasGoMerge(m) && !ours.setMerge(m) && o.builtinMerge(family) == "" {
		return "merge operator " + m
	}
	if f := o.operator(family, "table_factory"); f != "" && f != "BlockBasedTable" {
		return "table factory " + f
	}
	if f, ok := o.foreign[family]; ok {
		return "table factory " + f
	}
	if f := o.operator(family, "compaction_filter"); f != "" {
		return "compaction filter " + f
	}
	chosen := given.GoFilter != nil || given.CompactionFilter != ""
	if f := o.operator(family, "compaction_filter_factory"); f != "" && !chosen && !ours.setFilter(f) {
		return "compaction filter factory " + f
	}
	return ""
}

// hasGoMerge tells whether the merge operator of this name is given.
func (o *FamilyOptions) hasGoMerge(name string) bool {
	return o.GoMerge != nil && o.GoMerge.Name == name
}

// mergeOperator is the merge operator of a family by the name that it has here; empty for none.
func (o *optionsFile) mergeOperator(family string) string {
	m := o.operator(family, "merge_operator")
	if m == "UInt64AddOperator" {
		return Uint64Add
	}
	return m
}

// builtinMerges are the merge operators that RocksDB itself makes from what the OPTIONS file says. Its
// own programs set them: every database made by ldb has StringAppendOperator.
var builtinMerges = []string{"StringAppendOperator", "PutOperator", "MaxOperator", "BytesXOR"}

// builtinMerge is the setting that brings back such an operator of a family; empty if it has none.
func (o *optionsFile) builtinMerge(family string) string {
	if !slices.Contains(builtinMerges, o.operator(family, "merge_operator")) {
		return ""
	}
	return "merge_operator=" + unescape(o.value(family, "merge_operator"))
}

func fileError(op, path string, err error) *Error {
	e := dberr.Wrap(op, dberr.IO, err)
	e.Path = path
	return e
}
