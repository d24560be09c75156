package goparse

import "go/ast"

// markUsed finds which declarations are parts of others.
func (r *reader) markUsed() {
	for _, d := range r.order {
		for _, part := range r.parts(d) {
			part.used = part.used || part != d
		}
	}
	for _, d := range r.order {
		if !d.used {
			r.reach(d)
		}
	}
	for _, d := range r.order {
		if !d.reached && d.spec.Name.IsExported() { // a part of its own parts, and so of no event
			r.add(d.spec.Pos(), "refer to it by an id", "type %s contains itself", d.spec.Name.Name)
		}
	}
}

// parts are the declarations that a type names: in its fields, or else anywhere.
func (r *reader) parts(d *decl) []*decl {
	var list []*decl
	add := func(t ast.Expr) {
		ast.Inspect(t, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && r.decls[id.Name] != nil {
				list = append(list, r.decls[id.Name])
			}
			_, inner := n.(*ast.StructType) // its field names are no types
			return !inner
		})
	}
	ast.Inspect(d.spec.Type, func(n ast.Node) bool {
		if field, ok := n.(*ast.Field); ok {
			add(field.Type)
		}
		return true
	})
	if _, ok := d.spec.Type.(*ast.StructType); !ok {
		add(d.spec.Type)
	}
	return list
}

func (r *reader) reach(d *decl) {
	if d.reached {
		return
	}
	d.reached = true
	for _, part := range r.parts(d) {
		r.reach(part)
	}
}
