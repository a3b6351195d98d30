package instance

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// secretKeyFile has the key, 32 bytes in hexadecimal.
const secretKeyFile = "secret.key"

const secretKeyBytes = 32

// SecretKey encrypts secrets that are stored in the database, with AES-256-GCM. The key is a file
// in the data directory, which the first Seal creates.
type SecretKey struct{ path string }

// SecretKeyIn returns the key of the data directory at that path.
func SecretKeyIn(dir string) SecretKey { return SecretKey{filepath.Join(dir, secretKeyFile)} }

// Seal encrypts a text.
func (k SecretKey) Seal(text string) (string, error) {
	gcm, err := k.loadCipher()
	if errors.Is(err, fs.ErrNotExist) {
		if err := k.createKey(); err != nil {
			return "", fmt.Errorf("make %s: %w", secretKeyFile, err)
		}
		gcm, err = k.loadCipher()
	}
	if err != nil {
		return "", err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	return base64.StdEncoding.EncodeToString(gcm.Seal(nonce, nonce, []byte(text), nil)), nil
}

// Open decrypts a text.
func (k SecretKey) Open(sealed string) (string, error) {
	gcm, err := k.loadCipher()
	if err != nil {
		return "", err
	}
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < gcm.NonceSize() {
		return "", errors.New("what is encrypted in the database is damaged")
	}
	text, err := gcm.Open(nil, raw[:gcm.NonceSize()], raw[gcm.NonceSize():], nil)
	if err != nil {
		return "", fmt.Errorf("what is encrypted in the database was not encrypted with %s", k.path)
	}
	return string(text), nil
}

// loadCipher returns the cipher with the key in the file.
func (k SecretKey) loadCipher() (cipher.AEAD, error) {
	text, err := os.ReadFile(k.path)
	if err != nil {
		return nil, fmt.Errorf("read the key of the data directory: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != secretKeyBytes {
		return nil, fmt.Errorf("%s is damaged: it has no key of %d bytes in hexadecimal", k.path, secretKeyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// createKey creates the key, unless another process has just done so.
func (k SecretKey) createKey() error {
	key := make([]byte, secretKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(k.path), secretKeyFile+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString(hex.EncodeToString(key) + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), k.path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
