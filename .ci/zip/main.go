// Command zip packs each function's bootstrap as Lambda wants it, and prints the
// sizes. The same bootstrap gives the same bytes, so an unchanged function is
// not deployed anew.
package main

import (
	"archive/zip"
	"compress/flate"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	limit := flag.Int64("max", 0, "fail for a zip of this many bytes or more; 0: no limit")
	flag.Parse()
	status := 0
	for _, bootstrap := range flag.Args() {
		folder := filepath.Dir(bootstrap)
		size, zipped, err := pack(bootstrap, folder+".zip")
		if err == nil && *limit > 0 && zipped >= *limit {
			err = fmt.Errorf("%d bytes zipped, want fewer than %d", zipped, *limit)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "zip: %s: %v\n", bootstrap, err)
			status = 1
			continue
		}
		fmt.Printf("%-20s %6.2f MB, unzipped %6.2f MB\n", folder+".zip", float64(zipped)/1e6, float64(size)/1e6)
	}
	os.Exit(status)
}

func pack(bootstrap, to string) (size, zipped int64, err error) {
	body, err := os.ReadFile(bootstrap)
	if err != nil {
		return 0, 0, err
	}
	out, err := os.Create(to)
	if err != nil {
		return 0, 0, err
	}
	defer out.Close()
	w := zip.NewWriter(out)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate} // no time: bytes depend on the content alone
	header.SetMode(0o755)
	entry, err := w.CreateHeader(header)
	if err != nil {
		return 0, 0, err
	}
	if _, err := entry.Write(body); err != nil {
		return 0, 0, err
	}
	if err := w.Close(); err != nil {
		return 0, 0, err
	}
	info, err := out.Stat()
	if err != nil {
		return 0, 0, err
	}
	return int64(len(body)), info.Size(), nil
}
