package schema

// list reads a list and has item read each of its values.
func (s *scanner) list(item func(i int) *FieldError) *FieldError {
	if err := s.enter('['); err != nil {
		return err
	}
	for i := 0; ; i++ {
		if s.peek() == ']' && i == 0 {
			return s.leave(']')
		}
		if err := item(i); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.pos++
			s.emitByte(',')
		case ']':
			return s.leave(']')
		default:
			return s.syntax("want , or ] in a list")
		}
	}
}

// object reads an object and has member read the value of each key. A key that
// stands twice is refused: readers of the same text would disagree about it.
func (s *scanner) object(member func(key []byte) *FieldError) *FieldError {
	if err := s.enter('{'); err != nil {
		return err
	}
	base := len(s.keys)
	defer func() { s.keys = s.keys[:base] }()
	var many map[string]bool // the keys, once they are too many to look through
	kept := false            // a member is written already
	for first := true; ; first = false {
		if s.peek() == '}' && first {
			return s.leave('}')
		}
		raw, plain, err := s.text()
		if err != nil {
			return err
		}
		key := unquote(raw, plain)
		if many, err = s.unique(base, many, key); err != nil {
			return err
		}
		if s.peek() != ':' {
			return s.syntax("want : after a key")
		}
		s.pos++
		before := len(s.out)
		if kept {
			s.emitByte(',')
		}
		s.emit(raw)
		s.emitByte(':')
		if err := member(key); err != nil {
			return err
		}
		if s.dropped {
			s.out, s.dropped = s.out[:before], false
		} else {
			kept = true
		}
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			return s.leave('}')
		default:
			return s.syntax("want , or } in an object")
		}
	}
}

// unique refuses a key that the object has; its keys are s.keys from base on.
func (s *scanner) unique(base int, many map[string]bool, key []byte) (map[string]bool, *FieldError) {
	const few = 16
	twice := false
	if many == nil {
		for _, k := range s.keys[base:] {
			twice = twice || string(k) == string(key)
		}
		s.keys = append(s.keys, key)
		if len(s.keys)-base > few {
			many = make(map[string]bool, 4*few)
			for _, k := range s.keys[base:] {
				many[string(k)] = true
			}
		}
	} else {
		twice = many[string(key)]
		many[string(key)] = true
	}
	if twice {
		return many, fault("a key stands twice:", excerpt(key))
	}
	return many, nil
}

func (s *scanner) enter(open byte) *FieldError {
	if s.depth++; s.depth > MaxDepth {
		return fault("nested more than "+itoa(MaxDepth)+" deep", "")
	}
	s.pos++
	s.emitByte(open)
	return nil
}

func (s *scanner) leave(closing byte) *FieldError {
	s.depth--
	s.pos++
	s.emitByte(closing)
	return nil
}

// anything reads a value of no particular type.
func (s *scanner) anything() *FieldError {
	var raw []byte
	var err *FieldError
	switch b := s.peek(); {
	case b == '{':
		return s.object(func([]byte) *FieldError { return s.anything() })
	case b == '[':
		return s.list(func(int) *FieldError { return s.anything() })
	case b == '"':
		raw, _, err = s.text()
	case b == '-' || digit(b):
		raw, _, err = s.number()
	default:
		start := s.pos
		err = s.literal(b)
		raw = s.in[start:s.pos]
	}
	if err == nil {
		s.emit(raw)
	}
	return err
}

func (s *scanner) literal(first byte) *FieldError {
	switch first {
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.syntax("want a JSON value")
}
