package rockbridge_test

import (
	"go/ast"
	"go/token"
)

// exported is one exported name of a file.
type exported struct {
	name       string
	node       ast.Node
	documented bool
	visible    ast.Node // what importers see of it: signature, type or nil
}

// exportedNames gives a file's exported functions, methods, types, fields, constants and variables.
func exportedNames(f *ast.File) []exported {
	var out []exported
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && exportedReceiver(d) {
				out = append(out, exported{d.Name.Name, d, d.Doc != nil, d.Type})
			}
		case *ast.GenDecl:
			out = append(out, exportedSpecs(d)...)
		}
	}
	return out
}

// exportedReceiver reports whether importers can name the type that a method belongs to.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr: // a generic type
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

func exportedSpecs(d *ast.GenDecl) []exported {
	var out []exported
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() {
				alone := d.Lparen == token.NoPos && d.Doc != nil
				documented := s.Doc != nil || alone
				out = append(out, exported{s.Name.Name, s, documented, visibleType(s)})
				out = append(out, exportedFields(s, documented)...)
			}
		case *ast.ValueSpec:
			for _, n := range s.Names {
				if n.IsExported() {
					out = append(out, exported{n.Name, s, d.Doc != nil || s.Doc != nil || s.Comment != nil, s.Type})
				}
			}
		}
	}
	return out
}

// visibleType gives what importers see of a type itself; a struct's fields are looked at one by one.
func visibleType(s *ast.TypeSpec) ast.Node {
	if _, ok := s.Type.(*ast.StructType); ok {
		return nil
	}
	return s.Type
}

// exportedFields gives the exported fields of a struct and the methods of an interface. One comment
// may speak for the lines that follow it without a gap: that of the type for the first ones too.
func exportedFields(s *ast.TypeSpec, documented bool) []exported {
	var list *ast.FieldList
	switch t := s.Type.(type) {
	case *ast.StructType:
		list = t.Fields
	case *ast.InterfaceType:
		list = t.Methods
	default:
		return nil
	}
	documentedUpTo := token.NoPos
	if documented {
		documentedUpTo = list.Opening + 1
	}
	var out []exported
	for _, f := range list.List {
		if f.Doc != nil || f.Comment != nil || documentedUpTo != token.NoPos && f.Pos()-documentedUpTo <= adjacent {
			documentedUpTo = endOfField(f)
		} else {
			documentedUpTo = token.NoPos
		}
		for _, n := range f.Names {
			if n.IsExported() {
				out = append(out, exported{s.Name.Name + "." + n.Name, f, documentedUpTo != token.NoPos, f.Type})
			}
		}
	}
	return out
}

// adjacent is how far the next field can be from the end of one: a line break and its indentation.
const adjacent = 2

func endOfField(f *ast.Field) token.Pos {
	if f.Comment != nil {
		return f.Comment.End()
	}
	return f.End()
}
