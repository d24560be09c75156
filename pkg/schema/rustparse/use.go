package rustparse

// maxDepth bounds how deep types and use trees may be nested, so that a hostile
// file is refused and not followed.
const maxDepth = 64

// maxPath bounds a path of a use, in bytes.
const maxPath = 1000

// useTree reads what a use brings here, behind its path so far.
func (p *parser) useTree(path string, depth int) bool {
	if depth > maxDepth {
		return p.unexpected("a shorter use")
	}
	p.accept("::")
	last := ""
	for {
		switch t := p.peek(); {
		case t.is("*"):
			p.pos++
			p.globs = append(p.globs, path)
			return true
		case t.is("{"):
			return p.members(func() bool { return p.useTree(path, depth+1) })
		case t.kind != ident:
			return p.unexpected("a path")
		case t.is("self") && path != "":
			p.pos++ // the path itself
		default:
			p.pos++
			last = t.text
			path = join(path, t.text)
			if len(path) > maxPath {
				return p.unexpected("a shorter path")
			}
		}
		if !p.accept("::") {
			break
		}
	}
	if last == "" {
		last = path[lastName(path):]
	}
	if p.accept("as") {
		last = p.take().text
	}
	p.uses[last] = path
	return true
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "::" + name
}

// lastName is where the last name of a path begins.
func lastName(path string) int {
	for i := len(path); i > 1; i-- {
		if path[i-2:i] == "::" {
			return i
		}
	}
	return 0
}
