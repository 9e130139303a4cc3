class Base{
stem(w){this.current=w;this.cursor=this.limit_backward=this.bra=0;this.limit=this.ket=w.length;this.run();return this.current}
at(i,g,want){return g.includes(this.current[i])===want}
in_grouping(g){return this.cursor<this.limit&&this.at(this.cursor,g,true)&&(this.cursor++,true)}
out_grouping(g){return this.cursor<this.limit&&this.at(this.cursor,g,false)&&(this.cursor++,true)}
in_grouping_b(g){return this.cursor>this.limit_backward&&this.at(this.cursor-1,g,true)&&(this.cursor--,true)}
out_grouping_b(g){return this.cursor>this.limit_backward&&this.at(this.cursor-1,g,false)&&(this.cursor--,true)}
go_in_grouping(g){for(;this.cursor<this.limit;this.cursor++)if(this.at(this.cursor,g,false))return true;return false}
go_out_grouping(g){for(;this.cursor<this.limit;this.cursor++)if(this.at(this.cursor,g,true))return true;return false}
go_in_grouping_b(g){for(;this.cursor>this.limit_backward;this.cursor--)if(this.at(this.cursor-1,g,false))return true;return false}
go_out_grouping_b(g){for(;this.cursor>this.limit_backward;this.cursor--)if(this.at(this.cursor-1,g,true))return true;return false}
eq_s(s){const ok=this.cursor+s.length<=this.limit&&this.current.startsWith(s,this.cursor);if(ok)this.cursor+=s.length;return ok}
eq_s_b(s){const i=this.cursor-s.length,ok=i>=this.limit_backward&&this.current.startsWith(s,i);if(ok)this.cursor=i;return ok}
among(v,hit,place){let i=-1;v.forEach(([s],k)=>{if((i<0||s.length>=v[i][0].length)&&hit(s))i=k});
for(;i>=0;i=v[i][1]){const[s,,result,test]=v[i];this.cursor=place(s);if(!test)return result;if(test.call(this)){this.cursor=place(s);return result}}return 0}
find_among(v){const c=this.cursor;return this.among(v,s=>c+s.length<=this.limit&&this.current.startsWith(s,c),s=>c+s.length)}
find_among_b(v){const c=this.cursor;return this.among(v,s=>c-s.length>=this.limit_backward&&this.current.startsWith(s,c-s.length),s=>c-s.length)}
replace_s(b,k,s){const d=s.length-(k-b);this.current=this.current.slice(0,b)+s+this.current.slice(k);this.limit+=d;if(this.cursor>=k)this.cursor+=d;else if(this.cursor>b)this.cursor=b;return d}
slice_from(s){this.replace_s(this.bra,this.ket,s);this.ket=this.bra+s.length}
slice_del(){this.slice_from("")}
insert(b,k,s){const d=this.replace_s(b,k,s);if(b<=this.bra)this.bra+=d;if(b<=this.ket)this.ket+=d}
slice_to(){return this.current.slice(this.bra,this.ket)}
assign_to(){return this.current.slice(0,this.limit)}
}
