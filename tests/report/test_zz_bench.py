import sys, time, json, subprocess, resource, os
import ledger, psycopg
def test_bench(dsn, tmp_path):
    N=300_000
    with psycopg.connect(dsn, autocommit=True) as c:
        ledger.fill(c)
        c.execute("""INSERT INTO call_tasks (id,campaign_id,phone_number,contact_name,contact_data,status,outcome,attempt_count,last_attempt_at,created_at,updated_at)
          SELECT gen_random_uuid(), %s, '+7'||(9000000000+g), 'Имя '||g, jsonb_build_object('city','Псков','note','=1+'||g,'company','ООО '||g), 'completed','answered',1, now(), now(), now() FROM generate_series(1,%s) g""",(ledger.AUTUMN,N))
        c.execute("""INSERT INTO calls (id,task_id,campaign_id,company_id,trunk,phone_number,attempt,state,outcome,claimed_at,dialing_at,answered_at,ended_at)
          SELECT gen_random_uuid(), id, campaign_id, %s,'main',phone_number,1,'ended','answered',now(),now()+interval '1 s',now()+interval '5 s',now()+random()*interval '1 hour'+interval '10 s' FROM call_tasks WHERE contact_name LIKE 'Имя %%'""",(ledger.ACME,))
        c.execute("UPDATE call_tasks t SET call_id=c.id FROM calls c WHERE c.task_id=t.id AND t.call_id IS NULL AND c.state='ended'")
        c.execute("INSERT INTO receipts SELECT gen_random_uuid(), id, company_id, 0.01,'EUR','provider',now() FROM calls WHERE campaign_id=%s AND dialing_at>now()-interval '1 day'",(ledger.AUTUMN,))
        c.execute("ANALYZE")
    (tmp_path/"campaigns.d").mkdir(); cfg=tmp_path/"campaignd.toml"; cfg.write_text(f"[database]\ndsn = {json.dumps(dsn)}\n")
    code="import resource,sys; sys.argv=['campaignd']+sys.argv[1:]\nfrom supervisor.cli import main\ntry: main()\nfinally: print('MB', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss//1024, file=sys.stderr)"
    for a in (["status"],["report","autumn"],["report","autumn","--out",str(tmp_path/"a.csv")],["report","autumn","--format","parquet","--out",str(tmp_path/"p")],["report","autumn","--out",str(tmp_path/"a.xlsx")]):
        t=time.time(); r=subprocess.run([sys.executable,"-c",code,*a,"--config",str(cfg)],capture_output=True,text=True)
        print(a, r.returncode, r.stderr[-300:], f"{time.time()-t:.1f}s")
    r=subprocess.run(f"{sys.executable} -m supervisor report autumn --format csv --config {cfg} | head -2; echo ${{PIPESTATUS[@]}}",shell=True,executable="/bin/bash",capture_output=True,text=True); print(r.stdout, r.stderr)
    os.system(f"ls -la {tmp_path} {tmp_path}/p")
