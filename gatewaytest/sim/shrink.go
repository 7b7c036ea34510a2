package sim

import "slices"

// Shrink returns a script that is as short as it can make it and with which the
// simulation still fails, given one with which it fails. It runs the simulation
// at most runs times. The script is returned as it is if the simulation does not
// fail with it.
//
// It leaves out ever smaller parts, as long as what is left still fails: delta
// debugging, Zeller and Hildebrandt 2002.
func (s Sim) Shrink(script Script, runs int) Script {
	fails := func(part Script) bool {
		if runs <= 0 {
			return false
		}
		runs--
		s.Script = append(Script{}, part...) // not nil: nil is drawn
		_, err := s.Run()
		return err != nil
	}
	s.hasty = true
	if !fails(script) {
		return script
	}
	for size := (len(script) + 1) / 2; size >= 1 && runs > 0; {
		shorter := false
		for from := 0; from < len(script) && runs > 0; {
			part := slices.Delete(slices.Clone(script), from, min(from+size, len(script)))
			if fails(part) {
				script, shorter = part, true
			} else {
				from += size
			}
		}
		if size == 1 && !shorter {
			break
		}
		if !shorter {
			size = (size + 1) / 2
		}
		size = min(size, max(1, (len(script)+1)/2))
	}
	return script
}
