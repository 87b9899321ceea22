import re,random,sys
sys.path.insert(0,'.')
from pathlib import Path
from training.templates.spin import spin,SLOT
from training.templates.values import Values,LISTS
import json
from training.templates.spin import fill
t=[];cur=None
for l in Path('training/templates/tools8.txt').read_text().splitlines():
    if l.startswith('#'): continue
    if l.startswith('= '): cur={'key':l[2:],'p':[], 'en':[], 'zh':[]}; t.append(cur)
    elif l.startswith('p '):
        s,r=l[2:].split(':',1); n,k,a=r.split(';'); n=n.strip().split('|')
        cur['p'].append((s.rstrip('?'),s.endswith('?'),n)); 
        if len(set(n))<5: print(cur['key'],s,'names')
        if '|' not in a: print('about',l)
    elif l[:4] in('en: ','zh: '): cur[l[:2]].append(l[4:])
    elif l.startswith('result: '):
        for lang in('en','zh'):
            for i in range(20): json.loads(fill(l[8:],Values(random.Random(i),lang)))
ne=nz=0
for c in t:
    if not 2<=len(c['p'])<=4: print(c['key'],len(c['p']))
    allnames=[x for p in c['p'] for x in p[2]]
    if len(set(allnames))!=len(allnames): print('dup names',c['key'],[x for x in allnames if allnames.count(x)>1])
    if len(c['en'])<12 or len(c['zh'])<10: print(c['key'],len(c['en']),len(c['zh']))
    ne+=len(c['en']);nz+=len(c['zh'])
    req={p[0] for p in c['p'] if not p[1]}; al={p[0] for p in c['p']}
    for lang in('en','zh'):
        for l in c[lang]:
            for i in range(30):
                s=spin(l,random.Random(i)); f=SLOT.findall(s)
                if not req<=set(f): print('MISSING',c['key'],s,req-set(f)); break
                if set(f)-al: print('EXTRA',c['key'],s); break
                if len(f)!=len(set(f)): print('TWICE',c['key'],s)
                for x in f: Values(random.Random(1),lang)(x)
print(len(t),ne,nz)
keys=[k for p in Path('training/templates').glob('tools*.txt') for k in re.findall(r'^= (.*)',p.read_text(),re.M)]
print([k for k in set(keys) if keys.count(k)>1])
