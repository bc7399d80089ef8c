CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT, email TEXT, password_hash TEXT);
INSERT INTO user VALUES
(1, 'ada', 'ada@example.com', 'scrypt:32768:8:1$QQiZETzDa9tDZVbx$198b67867f0b66f7ffdbbe9b52546dae8276c476c7679d087297a0bd4920d63e5ba73392cf889c0e87317dd6840e94a547b78029a465b6e12a456dd63a50d883'),
(2, 'grace', 'grace@example.com', 'pbkdf2:sha256:150000$78MbjWBpjgsHetXt$739f1851d30a2ff44147079a34f7ce9e8cb9b9811f5330935c7e46d83f2293a3');
