# The sitting of docs/plugin-guide.md in Python, for test.sh.
lethe plugin new flatten --lang python --role objective
cd flatten

cp "$guide/flatten.py" flatten.py
sed -i 's/ascent: 0.2/strength: 0.5/' recipe.yaml
sed -i 's/ascent=0/strength=0/' test.sh

lethe plugin show org.example.flatten --plugin-path .
lethe run recipe.yaml

./test.sh
